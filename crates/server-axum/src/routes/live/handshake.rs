//! The opening handshake of a WebSocket (RFC 6455 §4.2.1), checked before the connection changes its protocol.

use axum::body::Body;
use http::header::{CONNECTION, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version};
use http_body::Body as _;
use waypost_adapters::websocket::accept_key;
use waypost_core::wire::v1::ErrorCode;

use crate::app::App;
use crate::error::ApiError;
use crate::gateway::csrf::SameOrigin;

/// The one protocol that is spoken on a socket here.
const PROTOCOL: &str = "waypost.v1";
/// The one version of WebSockets.
const VERSION: &str = "13";
const OTHER_HTTP: &str = "A WebSocket is opened over HTTP/1.1";

/// What is answered to a handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    /// The value of `Sec-WebSocket-Accept`.
    pub(super) accept: HeaderValue,
    /// The protocol that was chosen, if any was offered.
    pub(super) protocol: Option<&'static str>,
}

impl Handshake {
    /// Reads a request.
    ///
    /// # Errors
    /// 426 for one that asks for no WebSocket, or for another version; 400 for a key that is none, for protocols of which
    /// none is ours, for a body, and over HTTP/2, which has no `Upgrade` to answer 426 with (RFC 9113 §8.2.2, RFC 9110
    /// §15.5.22); 403 for a page of another site.
    pub(super) fn read(app: &App, request: &Request<Body>) -> Result<Self, ApiError> {
        let headers = request.headers();
        match request.version() {
            Version::HTTP_11 => {}
            Version::HTTP_2 => return Err(ApiError::new(ErrorCode::MalformedRequest, OTHER_HTTP)),
            _ => return Err(upgrade(OTHER_HTTP)),
        }
        let asks = has_token(headers, &CONNECTION, "upgrade") && has_token(headers, &UPGRADE, "websocket");
        if *request.method() != Method::GET || !asks {
            let message = "This is a WebSocket: open it with `Connection: Upgrade` and `Upgrade: websocket`";
            return Err(upgrade(message).with_detail("header.Upgrade", "must be websocket"));
        }
        if one(headers, &SEC_WEBSOCKET_VERSION) != Some(VERSION) {
            return Err(upgrade("Only version 13 of WebSockets is spoken here")
                .with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION))
                .with_detail("header.Sec-WebSocket-Version", "must be 13"));
        }
        let accept = one(headers, &SEC_WEBSOCKET_KEY).and_then(|key| accept_key(key.as_bytes()));
        let Some(accept) = accept.and_then(|accept| HeaderValue::try_from(accept).ok()) else {
            return Err(ApiError::new(ErrorCode::MalformedRequest, "The key of the WebSocket handshake is none")
                .with_detail("header.Sec-WebSocket-Key", "must be 16 random bytes in base64, once"));
        };
        if !request.body().is_end_stream() {
            return Err(ApiError::new(ErrorCode::MalformedRequest, "The handshake of a WebSocket has no body"));
        }
        let protocol = protocol(headers)?;
        check_origin(app, headers)?;
        Ok(Self { accept, protocol })
    }
}

/// Ours, if it was offered; none, if none was.
fn protocol(headers: &HeaderMap) -> Result<Option<&'static str>, ApiError> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Ok(None);
    }
    // Names of protocols are compared exactly.
    if tokens(headers, &SEC_WEBSOCKET_PROTOCOL).any(|offered| offered == PROTOCOL) {
        return Ok(Some(PROTOCOL));
    }
    let message = "None of the protocols that were offered is spoken here; offer `waypost.v1`, or none";
    Err(ApiError::new(ErrorCode::MalformedRequest, message)
        .with_detail("header.Sec-WebSocket-Protocol", "must offer waypost.v1"))
}

/// Whether the page that opens it may: no rule of browsers keeps a page from opening a socket elsewhere (RFC 6455 §10.2).
///
/// Without the header it is no page. That a cookie comes from a page of ours was seen to when it was believed.
fn check_origin(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        return if headers.contains_key(ORIGIN) { Err(foreign("the header stands twice")) } else { Ok(()) };
    };
    let is_allowed = app.options.cors_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
    if is_allowed || SameOrigin::new(app.site().public_url()).demand(headers).is_ok() {
        return Ok(());
    }
    Err(foreign("a page of another site asks"))
}

fn foreign(reason: &'static str) -> ApiError {
    let message = "Pages of this origin may not open a socket here; the operator allows them by `cors_origins`";
    ApiError::new(ErrorCode::Forbidden, message).with_detail("header.Origin", "is not allowed").with_reason(reason)
}

fn upgrade(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::UpgradeRequired, message)
        .with_header(UPGRADE, HeaderValue::from_static("websocket"))
        .with_header(CONNECTION, HeaderValue::from_static("Upgrade"))
}

/// The value of a header that must stand once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then(|| value.trim())
}

/// The tokens of a header that is a list, on however many lines (RFC 9110 §5.6.1).
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|listed| listed.eq_ignore_ascii_case(token))
}
