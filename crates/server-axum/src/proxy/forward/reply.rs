//! The target's body on its way to the caller: one frame at a time, for as long as the route allows.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use jiff::Timestamp;
use pin_project_lite::pin_project;
use waypost_core::clock::Clock;

use crate::proxy::upstream::Place;

/// How long a body may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Until this moment in all.
    Until(Timestamp),
    /// So long between two frames.
    Idle(Duration),
}

pin_project! {
    /// A target's body, which keeps its place among the requests under way until it has ended.
    struct Reply {
        #[pin]
        body: Incoming,
        place: Option<Place>,
        clock: Arc<dyn Clock>,
        patience: Patience,
        // When the last frame came.
        moved: Timestamp,
        // Armed once somebody waits.
        timer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    }
}

/// The body to be answered with.
pub(super) fn reply(body: Incoming, place: Option<Place>, clock: Arc<dyn Clock>, patience: Patience) -> Body {
    let moved = clock.now();
    Body::new(Reply { body, place, clock, patience, moved, timer: None })
}

impl HttpBody for Reply {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        match this.body.poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Patience::Idle(_) = this.patience {
                    *this.moved = this.clock.now();
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(Some(Err(fault))) => {
                *this.place = None;
                return Poll::Ready(Some(Err(axum::Error::new(fault))));
            }
            Poll::Ready(None) => {
                *this.place = None;
                return Poll::Ready(None);
            }
            Poll::Pending => {}
        }
        loop {
            let end = match this.patience {
                Patience::Until(end) => *end,
                Patience::Idle(idle) => this.moved.saturating_add(*idle).unwrap_or(Timestamp::MAX),
            };
            if this.clock.now() >= end {
                *this.place = None;
                let late = io::Error::new(io::ErrorKind::TimedOut, "the target's body took too long");
                return Poll::Ready(Some(Err(axum::Error::new(late))));
            }
            // One timer for many frames: when it fires, frames may have come since, and it is armed anew.
            let timer = this.timer.get_or_insert_with(|| this.clock.sleep_until(end));
            ready!(timer.as_mut().poll(cx));
            *this.timer = None;
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
