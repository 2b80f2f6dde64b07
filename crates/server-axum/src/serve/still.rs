//! Readers of streams: whether they take what is there.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

/// The reader is not behind: the body is asked for more, and has nothing.
const WAITED_FOR: u64 = 0;
/// A part was handed over, and no look has been since.
const HANDED: u64 = 1;
/// At a look since, the body had not been asked for the next part; from here on, microseconds are counted.
const SEEN: u64 = 2;

/// For how long a body has not been asked for its next part. Without a clock: it is counted from look to look, so what is
/// too long is seen after the limit and before it and two looks.
#[derive(Debug)]
pub(super) struct Stillness {
    limit: Duration,
    state: AtomicU64,
}

impl Stillness {
    /// Of a body of which nothing was asked for yet: its reader may have no room from the first byte on.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, state: AtomicU64::new(HANDED) }
    }

    /// How long between two looks: a quarter of the limit, and no less than 10 ms.
    pub(super) fn look(&self) -> Duration {
        (self.limit / 4).max(Duration::from_millis(10))
    }

    /// A look, so long after the one before. Whether the limit is over.
    pub(super) fn is_over(&self, since: Duration) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        let still = match state {
            WAITED_FOR => return false,
            HANDED => SEEN,
            counted => counted.saturating_add(u64::try_from(since.as_micros()).unwrap_or(u64::MAX)),
        };
        // If the reader came back in between, that holds.
        let counted = self.state.compare_exchange(state, still, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        counted && Duration::from_micros(still - SEEN) >= self.limit
    }
}

pin_project! {
    /// A body that notes whether it is asked for more.
    pub(super) struct Watchful {
        #[pin]
        body: Body,
        stillness: Arc<Stillness>,
    }
}

impl Watchful {
    pub(super) fn new(body: Body, stillness: Arc<Stillness>) -> Self {
        Self { body, stillness }
    }
}

impl HttpBody for Watchful {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        this.stillness.state.store(if polled.is_pending() { WAITED_FOR } else { HANDED }, Ordering::Relaxed);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reader_who_is_behind_is_counted_and_begins_anew_when_he_reads() {
        let (stillness, look) = (Stillness::new(Duration::from_secs(8)), Duration::from_secs(2));
        let looks = |count: usize| (0..count).filter(|_| stillness.is_over(look)).count();
        assert_eq!((stillness.look(), looks(4)), (look, 0));
        assert_eq!(looks(1), 1, "four looks after the first one");
        stillness.state.store(HANDED, Ordering::Relaxed);
        assert_eq!((looks(4), looks(1)), (0, 1));
        stillness.state.store(WAITED_FOR, Ordering::Relaxed);
        assert_eq!(looks(100), 0);
    }
}
