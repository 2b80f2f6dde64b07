//! The body of the answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use waypost_core::push::{Closing, Drive, Session};

use super::block;
use super::transport::SseTransport;

/// A session as a stream. It lasts until the session ends; a reader who goes away drops it.
#[derive(Debug)]
pub struct SseBody {
    session: Session,
    transport: SseTransport,
    drive: Drive,
    is_over: bool,
}

impl SseBody {
    /// The stream of `session`.
    pub fn new(session: Session) -> Self {
        Self { session, transport: SseTransport::new(), drive: Drive::default(), is_over: false }
    }
}

impl Body for SseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if !this.is_over {
            this.is_over = this.drive.poll(&mut this.session, &mut this.transport, cx).is_ready();
        }
        match this.transport.take() {
            Some(blocks) => Poll::Ready(Some(Ok(Frame::data(blocks)))),
            None if this.is_over => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// The stream of one for whom there is no place: browsers give up for good on a status of refusal, so that it is told in a
/// stream that ends.
pub fn refusal(closing: Closing) -> Bytes {
    let mut stream = block::OPENING.to_vec();
    stream.extend_from_slice(block::closing(closing).as_bytes());
    stream.into()
}
