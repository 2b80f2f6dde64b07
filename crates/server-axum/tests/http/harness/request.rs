//! Requests.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::{Reply, guarantees};

/// A request that is being put together, and the router that will answer it.
pub(crate) struct Asking {
    router: Router,
    request: Request<Body>,
    /// The harness's own `Host` stands there still.
    has_default_host: bool,
}

impl Asking {
    pub(crate) fn new(router: Router, method: Method, path: &str) -> Self {
        let request = Request::builder().method(method).uri(path).header("host", "go.example");
        let request = request.body(Body::empty()).unwrap();
        Self { router, request, has_default_host: true }
    }

    /// Adds a header; those of the same name stay.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    /// Adds a header of bytes that may be no text.
    pub(crate) fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        let (name, value) = (HeaderName::try_from(name).unwrap(), HeaderValue::from_bytes(value).unwrap());
        if name == http::header::HOST && std::mem::take(&mut self.has_default_host) {
            self.request.headers_mut().remove(&name);
        }
        self.request.headers_mut().append(name, value);
        self
    }

    /// Takes a header away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.request.headers_mut().remove(name);
        self
    }

    /// Shows this key instead of any other.
    pub(crate) fn key(self, key: &str) -> Self {
        self.without("authorization").header("authorization", &format!("Bearer {key}"))
    }

    /// Names the request, so that a retry of it is known as one.
    pub(crate) fn once(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    /// Comes from this address.
    pub(crate) fn from(mut self, address: &str) -> Self {
        let address: SocketAddr = address.parse().unwrap();
        self.request.extensions_mut().insert(ConnectInfo(address));
        self
    }

    /// Asks, and gives the answer while its body may still be coming.
    pub(crate) async fn open(self) -> Response<Body> {
        self.router.oneshot(self.request).await.unwrap()
    }

    /// Asks, and holds the answer against what is promised of every answer.
    pub(crate) async fn send(self) -> Reply {
        let (method, path) = (self.request.method().clone(), self.request.uri().path().to_owned());
        let accept = self.request.headers().get("accept").cloned();
        let response = self.router.oneshot(self.request).await.unwrap();
        let (head, body) = response.into_parts();
        let is_stream = head.headers.get("content-type").is_some_and(|media| media == "text/event-stream");
        let body = if is_stream { first_part(body).await } else { body.collect().await.unwrap().to_bytes() };
        let reply = Reply { method, path, status: head.status.as_u16(), headers: head.headers, body };
        guarantees::hold(&reply, accept.as_ref());
        reply
    }
}

/// What a stream, which has no end, begins with.
async fn first_part(mut body: Body) -> Bytes {
    let part = body.frame().await.expect("a stream says something at once").unwrap();
    part.into_data().expect("a part of the body")
}
