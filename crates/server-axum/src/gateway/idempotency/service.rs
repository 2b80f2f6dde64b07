//! The service: tells keyed requests from others.

use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use http::{Method, Request};
use tower::Service;

use super::future::ResponseFuture;
use super::layer::Settings;
use super::{key_of, work};

/// What [`IdempotencyLayer`](super::IdempotencyLayer) makes of a service.
///
/// Ready when the service within is. Requests reach it with an axum body; whatever bodies it answers with are taken.
#[derive(Clone, Debug)]
pub struct IdempotencyService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> IdempotencyService<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }
}

impl<S, Sent, Answered> Service<Request<Sent>> for IdempotencyService<S>
where
    S: Service<Request<Body>, Response = http::Response<Answered>> + Clone + Send + 'static,
    S::Error: Send + 'static,
    S::Future: Send,
    Sent: HttpBody<Data = Bytes> + Send + 'static,
    Sent::Error: Into<BoxError>,
    Answered: HttpBody<Data = Bytes> + Send + 'static,
    Answered::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Sent>) -> Self::Future {
        let request = request.map(Body::new);
        let may_have_key = matches!(*request.method(), Method::POST | Method::PATCH);
        let key = if may_have_key { key_of(request.headers()) } else { Ok(None) };
        match key {
            Ok(None) => ResponseFuture::untouched(self.inner.call(request)),
            Ok(Some(key)) => {
                // The one that was polled ready goes; its clone has yet to be.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                let work = work::answer(self.settings.clone(), ready, key, request);
                ResponseFuture::keyed(Box::pin(work))
            }
            Err(invalid) => ResponseFuture::keyed(Box::pin(ready(Ok(invalid.into_response())))),
        }
    }
}
