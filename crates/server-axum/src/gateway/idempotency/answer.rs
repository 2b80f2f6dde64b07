//! Which answers are kept, what of them, and how they are given again.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, LAST_MODIFIED, LINK, LOCATION, RETRY_AFTER, VARY,
};
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use waypost_core::idempotency::Answer;

use crate::error::ApiError;
use crate::gateway::envelope::Rendered;

/// The headers that belong to the answer. All others are of the moment (`Date`, ids, rate limits) or of the connection,
/// and `Set-Cookie` is nothing to hand out twice.
const KEPT: [HeaderName; 11] = [
    CACHE_CONTROL,
    CONTENT_DISPOSITION,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LOCATION,
    CONTENT_TYPE,
    ETAG,
    LAST_MODIFIED,
    LINK,
    LOCATION,
    VARY,
];

/// Whether an answer of this status is replayed: what the request itself decided, not what it lacked (form,
/// credentials, a quota) nor what may pass (time-outs, faults).
pub(crate) fn is_kept(status: StatusCode) -> bool {
    let lacked = matches!(status.as_u16(), 400 | 401 | 403 | 408 | 415 | 422 | 425 | 429);
    (200..500).contains(&status.as_u16()) && !lacked
}

/// Whether this answer is the last word on its request, as far as its head tells.
pub(super) fn is_final(head: &Parts) -> bool {
    let invites_retry = head.status.is_client_error() && head.headers.contains_key(RETRY_AFTER);
    // An error that is yet to be given its body would be replayed without it.
    let is_unfinished = head.extensions.get::<ApiError>().is_some() && head.extensions.get::<Rendered>().is_none();
    is_kept(head.status) && !invites_retry && !is_unfinished
}

/// What is kept of an answer. `None` for one that could not be given again byte for byte: a header that is no text.
pub(super) fn record(head: &Parts, also: &[HeaderName], body: Bytes) -> Option<Answer> {
    let kept = |name: &HeaderName| KEPT.contains(name) || also.contains(name);
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = std::str::from_utf8(value.as_bytes()).ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    };
    let headers = head.headers.iter().filter(|(name, _)| kept(name));
    Some(Answer { status: head.status.as_u16(), headers: headers.map(text).collect::<Option<_>>()?, body })
}

/// The answer once more.
pub(super) fn replay(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    mark_replayed(&mut response);
    response
}

/// Says that this is an answer once more, whose body nobody may change.
pub(crate) fn mark_replayed(response: &mut Response) {
    let replayed = HeaderName::from_static("idempotent-replayed");
    response.headers_mut().insert(replayed, HeaderValue::from_static("true"));
    response.extensions_mut().insert(Rendered);
}
