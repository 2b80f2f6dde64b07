//! A response body that keeps something until it ends: a permit, a line of the log, a count.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

/// What is kept. It is dropped once the body has ended or was given up, whichever comes first.
pub trait Watch: Send + 'static {
    /// So many bytes of the body went out.
    fn sent(&mut self, bytes: usize) {
        let _ = bytes;
    }
}

pin_project! {
    /// A body with a [`Watch`].
    #[derive(Debug)]
    pub struct Watched<W> {
        #[pin]
        body: Body,
        watch: Option<W>,
    }
}

impl<W: Watch> Watched<W> {
    /// Keeps `watch` until the response's body is through.
    pub fn wrap(response: Response, watch: W) -> Response {
        response.map(|body| Body::new(Self { body, watch: Some(watch) }))
    }
}

impl<W: Watch> HttpBody for Watched<W> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(watch), Some(data)) = (this.watch.as_mut(), frame.data_ref()) {
                    watch.sent(data.len());
                }
            }
            Poll::Ready(_) => *this.watch = None,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
