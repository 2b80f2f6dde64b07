//! Server-sent events.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use waypost_adapters::sse::{SseBody, refusal};
use waypost_core::push::{From, Overflow, Subscribe, Transport};

use crate::app::App;
use crate::extract::{Newcomer, Query};
use crate::reply::Reply;
use crate::routes::events::filter;
use crate::serve::LongLived;

/// Where a browser's `EventSource` that comes back tells its place (WHATWG HTML §9.2.4).
const LAST_EVENT_ID: &str = "last-event-id";
/// Asks proxies that know it to pass the stream on as it comes (nginx).
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(in crate::routes) async fn stream(
    State(app): State<Arc<App>>,
    newcomer: Newcomer,
    headers: HeaderMap,
    mut query: Query,
) -> Reply {
    let cursor = query.cursor();
    let (types, subject) = filter(&mut query.fields);
    let from = query.fields.text("from", |text| match text {
        "now" => Ok(From::Now),
        "start" => Ok(From::Start),
        _ => Err("must be now or start"),
    });
    let overflow = query.fields.text("overflow", |text| match text {
        "disconnect" => Ok(Overflow::Disconnect),
        "drop_oldest" => Ok(Overflow::DropOldest),
        "conflate" => Ok(Overflow::Conflate),
        _ => Err("must be disconnect, drop_oldest or conflate"),
    });
    query.fields.finish()?;
    let hub = &app.platform.live;
    // Who comes back stands where they were, wherever they began.
    let from = match (last_event_id(&headers), cursor) {
        (Some(id), _) => From::After(hub.position(newcomer.who.workspace, id)?),
        (None, Some(cursor)) => From::After(hub.position(newcomer.who.workspace, &cursor)?),
        (None, None) => from.value().unwrap_or(From::Now),
    };
    let mut response = Response::default();
    match newcomer.enter(&app, Transport::Sse) {
        Ok(mut session) => {
            session.subscribe(Subscribe {
                id: "stream".into(),
                types: types.value().unwrap_or_default(),
                subject: subject.value(),
                from,
                overflow: overflow.value().unwrap_or_default(),
                most_unacknowledged: None,
                presence: false,
            })?;
            *response.body_mut() = Body::new(SseBody::new(session));
            response.extensions_mut().insert(LongLived);
        }
        Err(closing) => *response.body_mut() = Body::from(refusal(closing)),
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// The place of one who comes back; nothing that is not ASCII was ever one.
fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(LAST_EVENT_ID)?.to_str().unwrap_or("?");
    Some(id).filter(|id| !id.is_empty())
}
