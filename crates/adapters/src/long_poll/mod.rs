//! Live events as a page that is held until there is something in it.
//!
//! [`hold`] waits for the first events, and answers with as many as there are by then. It is the same session as a stream's,
//! under the same cursor: who is up to date costs the log nothing.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use waypost_core::push::{Closing, Drive, Frame, Gone, Push, PushTransport, Reason, Session};

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
        has_more: bool,
    },
    /// The place that the client named is gone from the log.
    Reset,
    /// The node stops, and nothing happened until then: who came back at once would find it stopping still.
    Closed(Closing),
    /// The log was away for the whole wait, so that it is not known where the poll stands.
    Away,
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
    // A page of the log may hold little of what is wanted, and the log more pages.
    transport.answer(session.is_catching_up())
}

/// Gathers the page.
#[derive(Debug, Default)]
struct LongPollTransport {
    limit: usize,
    /// Where it began; nowhere yet, while the log is away.
    cursor: Option<Box<str>>,
    frames: Vec<Arc<Frame>>,
    is_reset: bool,
    closing: Option<Closing>,
}

impl LongPollTransport {
    fn has_answer(&self) -> bool {
        !self.frames.is_empty() || self.is_reset || self.closing.is_some()
    }

    /// What came of it.
    fn answer(self, is_behind: bool) -> Held {
        if self.is_reset {
            return Held::Reset;
        }
        let has_more = self.frames.len() >= self.limit || is_behind;
        if let Some(last) = self.frames.last() {
            return Held::Page { cursor: last.cursor().into(), frames: self.frames, has_more };
        }
        match (self.closing, self.cursor) {
            (Some(closing), _) if closing.reason == Reason::Drain => Held::Closed(closing),
            // The wait is over. Of another end the next request is told by its status.
            (_, Some(cursor)) => Held::Page { frames: self.frames, cursor, has_more },
            (_, None) => Held::Away,
        }
    }
}

impl PushTransport for LongPollTransport {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        // The poll is over with the first answer; more than a page is the next poll's.
        match self.frames.len() >= self.limit || self.is_reset || self.closing.is_some() {
            true => Poll::Ready(Err(Gone)),
            false => Poll::Ready(Ok(())),
        }
    }

    fn push(&mut self, push: Push) {
        match push {
            Push::Event { frame, .. } => self.frames.push(frame),
            Push::Reset { .. } | Push::Skipped { .. } => self.is_reset = true,
            Push::Closing(closing) => self.closing = Some(closing),
            Push::Subscribed { cursor, .. } => self.cursor = Some(cursor),
            Push::Present { .. } | Push::Joined { .. } | Push::Left { .. } | Push::Heartbeat => {}
        }
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Poll::Ready(Ok(()))
    }
}
