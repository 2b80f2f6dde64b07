//! Live events as a page that is held until there is something in it.
//!
//! [`hold`] waits for the first events, and answers with as many as there are by then. It is the same session as a stream's,
//! under the same cursor: who is up to date costs the log nothing.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use waypost_core::push::{Drive, Frame, Gone, Push, PushTransport, Session};

/// What came of a held poll.
#[derive(Debug)]
pub enum Held {
    /// Some events, and where to go on after them; none, where nothing happened in time.
    Page {
        /// The events, oldest first.
        frames: Vec<Arc<Frame>>,
        /// Where to go on.
        cursor: Box<str>,
        /// Whether there may be more at once.
        is_full: bool,
    },
    /// The place that the client named is gone from the log.
    Reset,
}

/// Waits for events of `session`, which has one subscription and an [end](Session::ending_at), and gathers up to `limit`.
pub async fn hold(mut session: Session, limit: usize) -> Held {
    let mut transport = LongPollTransport { limit: limit.max(1), ..LongPollTransport::default() };
    let mut drive = Drive::default();
    poll_fn(|cx| {
        // Gone or over, what has gathered is the answer.
        let over = drive.poll(&mut session, &mut transport, cx).is_ready();
        if over || transport.has_answer() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    if transport.is_reset {
        return Held::Reset;
    }
    let cursor = transport.frames.last().map_or(transport.cursor, |frame| frame.cursor().into());
    Held::Page { is_full: transport.frames.len() >= transport.limit, frames: transport.frames, cursor }
}

/// Gathers the page.
#[derive(Debug, Default)]
struct LongPollTransport {
    limit: usize,
    /// Where it began.
    cursor: Box<str>,
    frames: Vec<Arc<Frame>>,
    is_reset: bool,
    is_over: bool,
}

impl LongPollTransport {
    fn has_answer(&self) -> bool {
        !self.frames.is_empty() || self.is_reset || self.is_over
    }
}

impl PushTransport for LongPollTransport {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        // The poll is over with the first answer; more than a page is the next poll's.
        match self.frames.len() >= self.limit || self.is_reset || self.is_over {
            true => Poll::Ready(Err(Gone)),
            false => Poll::Ready(Ok(())),
        }
    }

    fn push(&mut self, push: Push) {
        match push {
            Push::Event { frame, .. } => self.frames.push(frame),
            Push::Reset { .. } | Push::Skipped { .. } => self.is_reset = true,
            Push::Closing(_) => self.is_over = true,
            Push::Subscribed { cursor, .. } => self.cursor = cursor,
            Push::Present { .. } | Push::Joined { .. } | Push::Left { .. } | Push::Heartbeat => {}
        }
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Poll::Ready(Ok(()))
    }
}
