//! The one shape of errors (§3), for faults outside handlers too.
//!
//! Every response of 400 or more gets the JSON body, whoever made it: an [`ApiError`] keeps its code, message and
//! details; anything else (a framework's text, a bare 405) is told by its status in the registry's words, and its own
//! body is dropped, since it may hold text that is not for clients. Headers that were set survive (`Allow`,
//! `Retry-After`, `WWW-Authenticate`). `HEAD` has the same headers and no body (RFC 9110 §9.3.2).
//!
//! A route may [speak another dialect](Dialect::OAuth): the same errors, in the shape that its standard gives.
//!
//! A response that carries [`Rendered`] passes untouched: a replayed answer, an OAuth error, a page for a browser.
//!
//! One fault never gets here: what hyper refuses before there is a request (a head that is no HTTP, more fields or bytes
//! than [`serve`](crate::serve) lets it read). Those are answered by hyper with the right status and an empty body.
//!
//! On a foreign axum router, alone:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::envelope::{self, Envelope};
//!
//! let envelope = Envelope::new("https://links.example");
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(envelope, envelope::render));
//! ```

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, TRANSFER_ENCODING,
};
use http::{HeaderValue, Method};
use waypost_core::clock::{Clock, SystemClock};
use waypost_core::entropy::OsEntropy;
use waypost_core::wire::v1::{ErrorBody, ErrorDetail, OAuthError};

use super::context::RequestContext;
use super::request_id::{RequestTag, X_REQUEST_ID};
use super::routes::{self, Dialect};
use crate::error::ApiError;

/// On a response: its body is final, whatever its status.
#[derive(Clone, Copy, Debug)]
pub struct Rendered;

/// On a response: a server elsewhere gave it, and what it says of itself stays.
#[derive(Clone, Copy, Debug)]
pub struct FromTarget;

/// Renders errors; knows where their pages are.
#[derive(Clone, Debug)]
pub struct Envelope {
    public_url: Arc<str>,
}

impl Envelope {
    /// The pages about codes are at `{public_url}/docs/errors/{CODE}`.
    pub fn new(public_url: &str) -> Self {
        Self { public_url: public_url.trim_end_matches('/').into() }
    }

    /// The value on the wire, for what carries errors in other shapes (bulk items, frames, stored answers).
    pub fn detail(&self, error: &ApiError, request_id: &str) -> ErrorDetail {
        ErrorDetail {
            code: error.code().as_str().to_owned(),
            message: error.message().to_owned(),
            details: error.details().to_vec(),
            request_id: request_id.to_owned(),
            documentation_url: format!("{}/docs/errors/{}", self.public_url, error.code()),
        }
    }

    /// The body, byte for byte as it is sent; for who keeps answers.
    pub fn body(&self, error: &ApiError, request_id: &str) -> Vec<u8> {
        // Strings alone: writing them as JSON cannot fail.
        serde_json::to_vec(&ErrorBody { error: self.detail(error, request_id) }).unwrap_or_default()
    }

    /// Gives a response of 400 or more its body. `method` is the request's.
    pub fn apply(&self, response: Response, method: &Method, request_id: &str) -> Response {
        self.apply_in(Dialect::Waypost, response, method, request_id)
    }

    /// The same, in a dialect.
    pub fn apply_in(&self, dialect: Dialect, response: Response, method: &Method, request_id: &str) -> Response {
        let status = response.status();
        if !(status.is_client_error() || status.is_server_error()) || response.extensions().get::<Rendered>().is_some()
        {
            return response;
        }
        let (mut parts, _dropped) = response.into_parts();
        let known = parts.extensions.get::<ApiError>().filter(|error| error.status() == status);
        let error = known.cloned().unwrap_or_else(|| {
            ApiError::of_status(status).with_reason(format!("answered with a bare {}", status.as_u16()))
        });
        let body = match dialect {
            Dialect::Waypost => self.body(&error, request_id),
            Dialect::OAuth => oauth_body(&error),
        };
        parts.status = error.status();
        for name in [CONTENT_ENCODING, TRANSFER_ENCODING, ETAG, LAST_MODIFIED] {
            parts.headers.remove(name);
        }
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        // The access log reads the code and the reason from here.
        parts.extensions.insert(error);
        parts.extensions.insert(Rendered);
        let body = if *method == Method::HEAD { Body::empty() } else { Body::from(body) };
        Response::from_parts(parts, body)
    }
}

/// The body of an error as OAuth has it: printable ASCII, without what would need an escape (RFC 6749 §5.2).
fn oauth_body(error: &ApiError) -> Vec<u8> {
    let plain = |c: char| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '\'' };
    let body = OAuthError {
        error: error.oauth_code().to_owned(),
        error_description: error.message().chars().map(plain).collect(),
    };
    // Strings alone: writing them as JSON cannot fail.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Gives every error its shape.
pub async fn render(State(envelope): State<Envelope>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let context = request.extensions().get::<RequestContext>().cloned();
    let dialect = routes::of(&request).map_or(Dialect::default(), |route| route.dialect());
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    match context {
        Some(context) => envelope.apply_in(dialect, response, &method, context.id().as_str()),
        None => {
            // Alone, without `context::establish` around it.
            let tag = RequestTag::fresh(SystemClock.now(), &OsEntropy);
            let mut response = envelope.apply_in(dialect, response, &method, tag.as_str());
            response.headers_mut().insert(X_REQUEST_ID, tag.into_header());
            response
        }
    }
}
