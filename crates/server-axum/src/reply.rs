//! Answers as they are given, and kept for a replay.

use std::fmt::Display;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, VARY};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
pub(crate) use waypost_core::idempotency::Answer;
use waypost_core::links::Link;
use waypost_core::webhooks::Endpoint;
use waypost_core::wire::v1;

use crate::app::App;
use crate::error::ApiError;
use crate::gateway::context::RequestContext;

/// What answers to private data say: this client may keep it, and must ask each time whether it still holds.
pub(crate) const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// What answers to private data depend on.
pub(crate) const DEPENDS: HeaderValue = HeaderValue::from_static("Authorization, Accept");

/// The strong validator of a thing: its id and version.
pub(crate) fn etag(id: impl Display, version: u64) -> String {
    format!("\"{id}-{version}\"")
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    // The wire types are structs of strings and numbers, which always can be written.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let headers = vec![(CONTENT_TYPE.as_str().to_owned(), "application/json".to_owned())];
    Answer { status: status.as_u16(), headers, body: Bytes::from(body) }
}

/// A link, with its validator.
pub(crate) fn link(app: &App, status: StatusCode, link: &Link) -> Answer {
    let mut answer = json(status, &v1::Link::of(link, app.site(), app.platform.clock.now()));
    answer.headers.push((ETAG.as_str().to_owned(), etag(link.id, link.version.0)));
    if status == StatusCode::CREATED {
        let at = app.site().url(&format!("/v1/links/{}", link.id));
        answer.headers.push((LOCATION.as_str().to_owned(), at));
    }
    answer
}

/// A webhook endpoint, with its validator.
pub(crate) fn webhook(status: StatusCode, endpoint: &Endpoint) -> Answer {
    let mut answer = json(status, &v1::Webhook::of(endpoint));
    answer.headers.push((ETAG.as_str().to_owned(), etag(endpoint.id, endpoint.version)));
    answer
}

/// A thing that was just made, whose secret is shown this once: no cache may keep it.
pub(crate) fn created(app: &App, path: &str, body: &impl Serialize) -> Answer {
    let mut answer = shown_once(StatusCode::CREATED, body);
    answer.headers.push((LOCATION.as_str().to_owned(), app.site().url(path)));
    answer
}

/// A secret that is shown this once: no cache may keep it.
pub(crate) fn shown_once(status: StatusCode, body: &impl Serialize) -> Answer {
    let mut answer = json(status, body);
    answer.headers.push((CACHE_CONTROL.as_str().to_owned(), "no-store".to_owned()));
    answer
}

/// A thing whose secret was just replaced, and is shown this once: no cache may keep it.
pub(crate) fn replaced(body: &impl Serialize) -> Answer {
    shown_once(StatusCode::OK, body)
}

/// A listing that is bounded, and so always whole: one page of the one shape.
pub(crate) fn whole<T: Serialize>(rows: impl Iterator<Item = T>) -> Answer {
    json(StatusCode::OK, &v1::Page { data: rows.collect(), next_cursor: None, has_more: false })
}

/// What was asked for is done, and there is nothing to say of it.
pub(crate) fn nothing() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An error, rendered for the request of `context`.
pub(crate) fn error(app: &App, error: &ApiError, context: &RequestContext) -> Answer {
    let body = app.envelope.body(error, context.id().as_str());
    let headers = vec![
        (CONTENT_TYPE.as_str().to_owned(), "application/json".to_owned()),
        (CACHE_CONTROL.as_str().to_owned(), "no-store".to_owned()),
    ];
    Answer { status: error.code().status(), headers, body: Bytes::from(body) }
}

/// An answer as a response.
pub(crate) fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.entry(CACHE_CONTROL).or_insert(PRIVATE);
    headers.entry(VARY).or_insert(DEPENDS);
    response
}

/// An answer to a read, or 304 where the client has it already (RFC 9110 §13.1.2).
pub(crate) fn respond_unless_known(answer: Answer, request: &HeaderMap) -> Response {
    let tag = answer.headers.iter().find(|(name, _)| name == ETAG.as_str()).map(|(_, tag)| tag.clone());
    let known = tag.is_some_and(|tag| crate::extract::lists_tag(request, http::header::IF_NONE_MATCH, &tag));
    if !known {
        return respond(answer);
    }
    let mut response = respond(Answer { body: Bytes::new(), ..answer });
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// The header `Link` that leads to the next page (RFC 8288).
pub(crate) fn next_link(path: &str, query: Option<&str>, cursor: &str) -> Option<HeaderValue> {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if name != "cursor" {
            pairs.append_pair(&name, &value);
        }
    }
    pairs.append_pair("cursor", cursor);
    HeaderValue::try_from(format!("<{path}?{}>; rel=\"next\"", pairs.finish())).ok()
}

/// The result of every handler.
pub(crate) type Reply = Result<Response, ApiError>;
