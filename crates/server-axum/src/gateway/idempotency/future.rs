//! The future of [`IdempotencyService`](super::IdempotencyService).

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use axum::{BoxError, http};
use pin_project_lite::pin_project;

/// A keyed request, from reading its body to its answer.
pub(super) type Keyed<E> = Pin<Box<dyn Future<Output = Result<Response, E>> + Send>>;

pin_project! {
    /// The response of the service within, or one in its place.
    ///
    /// Dropping it stops a request without a key wherever it stands, and one with a key only until its work begins.
    pub struct ResponseFuture<F, E> {
        #[pin]
        way: Way<F, E>,
    }
}

pin_project! {
    #[project = WayProjected]
    enum Way<F, E> {
        Untouched { #[pin] inner: F },
        Keyed { work: Keyed<E> },
    }
}

impl<F, E> ResponseFuture<F, E> {
    pub(super) fn untouched(inner: F) -> Self {
        Self { way: Way::Untouched { inner } }
    }

    pub(super) fn keyed(work: Keyed<E>) -> Self {
        Self { way: Way::Keyed { work } }
    }
}

impl<F, B, E> Future for ResponseFuture<F, E>
where
    F: Future<Output = Result<http::Response<B>, E>>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            WayProjected::Untouched { inner } => {
                let response = ready!(inner.poll(cx))?;
                Poll::Ready(Ok(response.map(Body::new)))
            }
            WayProjected::Keyed { work } => work.as_mut().poll(cx),
        }
    }
}
