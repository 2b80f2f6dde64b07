//! How live streams come in, through the whole chain: by a ticket, and without keeping a place among requests in flight.

use std::convert::Infallible;
use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::OriginalUri;
use axum::response::Response;
use axum::{Extension, Router};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;
use waypost_core::credentials::{Scope, Scopes};
use waypost_core::links::{DestinationRules, Site};
use waypost_core::{Platform, PlatformOptions};

use crate::api;
use crate::app::{App, HttpOptions};
use crate::extract::Query;
use crate::gateway::admission::{Admission, Place};
use crate::gateway::routes::Kind;
use crate::routes::{self, Access};

/// The places of a server, as many as [`HttpOptions`] has.
const PLACES: usize = 512;

async fn app() -> Arc<App> {
    let site = Site::new("http://w.example", &[], DestinationRules::default()).unwrap();
    let platform = Platform::assemble(crate::tests::ports(), site, PlatformOptions::default()).await.unwrap();
    App::new(platform, HttpOptions::default(), None)
}

/// An answer that begins and does not end.
fn endless() -> Response {
    Response::new(Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()))
}

async fn handed_over(Extension(place): Extension<Place>) -> Response {
    place.give_back();
    endless()
}

/// Streams that give their places back and streams that keep them, beside the API.
fn served(app: &Arc<App>) -> (Router, Admission) {
    let admission = Admission::new(PLACES);
    let mut streams = [
        routes::Route::get("/v1/live", Access::Public, handed_over),
        routes::Route::get("/v1/kept", Access::Public, async || endless()),
    ];
    for stream in &mut streams {
        stream.kind = Kind::Stream;
    }
    let table = routes::table().into_iter().chain(streams).collect();
    (api::behind(app, table, admission.clone()).unwrap(), admission)
}

async fn get(router: &Router, path: &str, key: &str) -> Response {
    let request = Request::get(path).header("host", "w.example").header("authorization", format!("Bearer {key}"));
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// The text of a key that may read events.
async fn key(app: &App) -> String {
    let credentials = &app.platform.credentials;
    let workspace = credentials.workspace("default").await.unwrap().id;
    let scopes = Scopes::parse("events:read").unwrap();
    credentials.issue(workspace, "live", scopes, None).await.unwrap().text.expose().to_owned()
}

#[tokio::test]
async fn open_streams_that_gave_their_places_back_leave_the_api_answering() {
    let app = app().await;
    let (router, admission) = served(&app);
    let key = key(&app).await;
    let mut open = Vec::new();
    for _ in 0..600 {
        let stream = get(&router, "/v1/live", &key).await;
        assert_eq!(stream.status(), StatusCode::OK);
        open.push(stream);
    }
    assert_eq!(admission.in_flight(), 0);
    let answer = get(&router, "/v1/event-types", &key).await;
    assert_eq!(answer.status(), StatusCode::OK);
    drop(answer);
    drop(open);
    assert_eq!(admission.in_flight(), 0, "the end of a stream gives nothing back twice");
}

#[tokio::test]
async fn open_streams_that_keep_their_places_turn_others_away() {
    let app = app().await;
    let (router, _) = served(&app);
    let key = key(&app).await;
    let mut open = Vec::new();
    for _ in 0..PLACES {
        open.push(get(&router, "/v1/kept", &key).await);
    }
    assert_eq!(get(&router, "/v1/event-types", &key).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(open);
    assert_eq!(get(&router, "/v1/event-types", &key).await.status(), StatusCode::OK);
}

/// What a subscriber wrote.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is left of the address for a handler, however it asks.
async fn seen(OriginalUri(uri): OriginalUri, query: Query) -> String {
    format!("{uri} {:?}", query.raw)
}

#[tokio::test]
async fn a_route_of_the_table_takes_a_ticket_and_nothing_writes_it_down() {
    let written = Written::default();
    let target = written.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || target.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = app().await;
    let live = routes::Route::get("/v1/live", Scope::EventsRead, seen).by_ticket();
    let table = routes::table().into_iter().chain([live]).collect();
    let router = api::behind(&app, table, Admission::default()).unwrap();
    let key = key(&app).await;
    let bearer = format!("Bearer {key}");
    let ask = async |method: &str, path: &str, header: Option<&str>| {
        let request = Request::builder().method(method).uri(path).header("host", "w.example");
        let request = header.into_iter().fold(request, |request, value| request.header("authorization", value));
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = String::from_utf8(to_bytes(body, 65_536).await.unwrap().to_vec()).unwrap();
        (head.status.as_u16(), format!("{:?} {body}", head.headers), body)
    };

    let (status, _, made) = ask("POST", "/v1/events/tickets", Some(&bearer)).await;
    assert_eq!(status, 201, "{made}");
    let made: Value = serde_json::from_str(&made).unwrap();
    let ticket = made["ticket"].as_str().unwrap();
    let path = format!("/v1/live?ticket={ticket}");
    let (status, _, body) = ask("GET", &path, None).await;
    assert_eq!((status, &*body), (200, "/v1/live None"));
    // Used; beside a header; where none is taken; where nothing is.
    for (method, path, header, expected) in [
        ("GET", path.clone(), None, 401),
        ("GET", path.clone(), Some(&*bearer), 400),
        ("POST", path, None, 405),
        ("GET", format!("/v1/event-types?ticket={ticket}"), Some(&*bearer), 422),
        ("GET", format!("/v1/nowhere?ticket={ticket}"), None, 404),
    ] {
        let (status, all, _) = ask(method, &path, header).await;
        assert_eq!(status, expected, "{method} {header:?}: {all}");
        assert!(!all.contains(ticket), "{all}");
    }
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("/v1/live"), "the access log has a line of it: {text}");
    assert!(!text.contains(ticket) && !text.contains(&key), "{text}");
}
