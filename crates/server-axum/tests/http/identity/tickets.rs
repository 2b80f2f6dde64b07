//! Tickets: what opens a live stream where no header can be set.

use std::time::Duration;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router, middleware};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;
use waypost_core::credentials::Principal;
use waypost_core::limits::{Algorithm, Policy};
use waypost_server_axum::HttpOptions;
use waypost_server_axum::gateway::authentication::{self, Authentication, Evidence, Ways};

use super::House;
use crate::harness::{Browser, Reply, Server};

const SECOND: Duration = Duration::from_secs(1);
const TICKETS: &str = "/v1/events/tickets";

/// The text of a ticket that a key of these scopes asked for.
async fn ticket(server: &Server, key: &str) -> String {
    text(&server.ask(Method::POST, TICKETS).key(key).send().await)
}

fn text(made: &Reply) -> String {
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["ticket"].as_str().unwrap().to_owned()
}

/// Who came, by what, and what a handler sees of the query.
async fn who(Extension(who): Extension<Principal>, evidence: Extension<Evidence>, RawQuery(query): RawQuery) -> String {
    json!({"who": who.actor.to_string(), "shown": format!("{:?}", evidence.shown), "query": query}).to_string()
}

/// A stream of this server that takes tickets.
fn stream(server: &Server) -> Router {
    let authentication = Authentication::new(server.platform.clone()).by(Ways::AllAndTickets);
    let recognise = middleware::from_fn_with_state(authentication, authentication::recognise);
    Router::new().route("/stream", get(who)).layer(recognise)
}

async fn open(stream: &Router, query: &str, header: Option<(&str, &str)>) -> Response {
    let request = Request::get(format!("/stream?{query}"));
    let request = header.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    stream.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn body(response: Response) -> Value {
    assert_eq!(response.status(), StatusCode::OK);
    let body = axum::body::to_bytes(response.into_body(), 4_096).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

async fn status(stream: &Router, query: &str) -> u16 {
    open(stream, query, None).await.status().as_u16()
}

#[tokio::test]
async fn a_ticket_opens_one_stream_within_half_a_minute_and_is_not_seen_within() {
    let server = Server::start().await;
    let key = server.issue("default", "events:read").await;
    let made = server.ask(Method::POST, TICKETS).key(&key).send().await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"));
    assert_eq!(made.json()["expires_at"], "2026-11-20T12:00:30.000000Z");
    let ticket = text(&made);
    assert!(ticket.starts_with("wp_tkt_"), "{ticket}");
    let stream = stream(&server);
    let seen = body(open(&stream, &format!("types=link.created&ticket={ticket}&subject=x"), None).await).await;
    let me = server.platform.credentials.authenticate(&key).await.unwrap().actor.to_string();
    assert_eq!(seen, json!({"who": me, "shown": "Bearer(..)", "query": "types=link.created&subject=x"}));
    assert_eq!(status(&stream, &format!("ticket={ticket}")).await, 401, "once");

    let late = self::ticket(&server, &key).await;
    server.clock.advance(30 * SECOND);
    assert_eq!(status(&stream, &format!("ticket={late}")).await, 401);
    for bad in ["ticket=", "ticket", "ticket=x", "ticket=wp_live_x", "ticket=%ff"] {
        assert_eq!(status(&stream, bad).await, 401, "{bad}");
    }
}

#[tokio::test]
async fn what_was_revoked_since_opens_nothing() {
    let server = Server::start().await;
    let workspace = server.platform.credentials.workspace("default").await.unwrap().id;
    let key = server.issue("default", "events:read").await;
    let ticket = ticket(&server, &key).await;
    let keys = server.platform.credentials.keys(workspace).await.unwrap();
    server.platform.credentials.revoke(workspace, keys.last().unwrap().id).await.unwrap();
    server.clock.advance(SECOND);
    assert_eq!(status(&stream(&server), &format!("ticket={ticket}")).await, 401);
}

#[tokio::test]
async fn the_ticket_of_a_session_ends_with_the_session_and_is_asked_for_from_its_own_page() {
    let (house, browser) = (House::open().await, Browser::default());
    browser.sign_in(&house.server, &house.provider).await;
    let foreign = browser.asking(&house.server, Method::POST, TICKETS).header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.send().await.fault(), (403, "FORBIDDEN".into()));
    let (one, other) = (
        text(&browser.ask(&house.server, Method::POST, TICKETS).await),
        text(&browser.ask(&house.server, Method::POST, TICKETS).await),
    );
    let second = house.second().await;
    let seen = body(open(&stream(&second), &format!("ticket={one}"), None).await).await;
    assert_eq!(seen["shown"], "Session(..)", "on any node");
    assert_eq!(browser.ask(&house.server, Method::POST, "/auth/logout").await.status, 204);
    house.server.clock.advance(SECOND);
    assert_eq!(status(&stream(&second), &format!("ticket={other}")).await, 401);
}

#[tokio::test]
async fn two_signs_at_once_and_a_ticket_twice_are_refused_and_use_nothing_up() {
    let server = Server::start().await;
    let key = server.issue("default", "events:read").await;
    let (ticket, stream) = (ticket(&server, &key).await, stream(&server));
    let query = format!("ticket={ticket}");
    let bearer = format!("Bearer {key}");
    assert_eq!(open(&stream, &query, Some(("authorization", &*bearer))).await.status(), 400);
    assert_eq!(status(&stream, &format!("{query}&{query}")).await, 400);
    assert_eq!(status(&stream, &format!("{query}&%74icket=x")).await, 400, "however it is spelt");
    // A browser sends its cookie along, wanted or not: the ticket is what the page means.
    let cookie = format!("{}=x", Browser::SESSION);
    assert_eq!(open(&stream, &query, Some(("cookie", &*cookie))).await.status(), 200);
}

#[tokio::test]
async fn a_ticket_that_is_not_good_counts_as_a_failed_login() {
    let failures = Policy::new("failed-logins", Algorithm::SlidingWindow, 3, Duration::from_secs(60)).unwrap();
    let server = Server::start().await;
    let authentication = Authentication::new(server.platform.clone()).by(Ways::AllAndTickets).counting(failures);
    let router = Router::new()
        .route("/stream", get(who))
        .layer(middleware::from_fn_with_state(authentication, authentication::recognise))
        .layer(middleware::from_fn_with_state(
            waypost_server_axum::gateway::context::ContextSource::default(),
            waypost_server_axum::gateway::context::establish,
        ));
    for _ in 0..3 {
        assert_eq!(status(&router, "ticket=wp_tkt_guessed").await, 401);
    }
    assert_eq!(status(&router, "ticket=wp_tkt_guessed").await, 429);
}

#[tokio::test]
async fn a_route_that_takes_no_ticket_uses_none_up() {
    let server = Server::start().await;
    let key = server.issue("default", "events:read").await;
    let ticket = ticket(&server, &key).await;
    let path = format!("/v1/event-types?ticket={ticket}");
    assert_eq!(server.anonymous(Method::GET, &path).send().await.status, 401);
    let named = server.get(&path).send().await;
    assert_eq!(named.fault(), (422, "VALIDATION_FAILED".into()));
    assert!(!named.text().contains(&ticket), "{}", named.text());
    assert_eq!(status(&stream(&server), &format!("ticket={ticket}")).await, 200);
}

#[tokio::test]
async fn who_was_vouched_for_by_a_gateway_gets_no_ticket() {
    let http = HttpOptions { vouched_as: Some("node".into()), trust_gateway: true, ..HttpOptions::default() };
    let trusted = waypost_server_axum::gateway::client_address::TrustedProxies::parse(&["10.0.0.0/8".to_owned()]);
    let http = HttpOptions { trusted_proxies: trusted.unwrap(), ..http };
    let server = Server::with(crate::harness::Setup { http, ..Default::default() }).await;
    let key = server.issue("default", "events:read").await;
    let who = server.platform.credentials.authenticate(&key).await.unwrap();
    let word = server.platform.tokens.vouch(&who, "node", "POST", TICKETS).await.unwrap();
    let asked = server.anonymous(Method::POST, TICKETS).from("10.0.0.1:9").header("waypost-principal", &word);
    let reply = asked.send().await;
    assert_eq!(reply.fault(), (403, "FORBIDDEN".into()), "{}", reply.text());
}
