//! The transport: what a session has to tell, as frames.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use waypost_core::push::presence::Presence;
use waypost_core::push::{Closing, Frame, Gone, Push, PushTransport};
use waypost_core::wire::v1::{ServerFrame, Watcher};

use super::code::Code;
use super::outgoing::Outgoing;

/// A WebSocket's sending side, and the connection itself.
///
/// What is pushed gathers, and goes out in as few writes as its size allows. [`poll_ready`](PushTransport::poll_ready) is
/// pending while 64 KiB wait that the client does not take.
pub struct WebSocketTransport<IO> {
    io: IO,
    pub(super) outgoing: Outgoing,
    /// What the client did, if that is why it ends.
    pub(super) violation: Option<Code>,
    /// The last frame was added.
    is_closed: bool,
    has_shut: bool,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocketTransport<IO> {
    /// A WebSocket over `io`, past its handshake.
    pub fn new(io: IO) -> Self {
        Self { io, outgoing: Outgoing::default(), violation: None, is_closed: false, has_shut: false }
    }

    /// Whether the last frame was added: nothing can be said after it.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Adds an answer to what the client sent.
    pub(super) fn answer(&mut self, frame: &ServerFrame) {
        self.outgoing.json(frame);
    }

    /// Reads what has come in; nothing, once the other side has ended.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<Result<(), Gone>> {
        Pin::new(&mut self.io).poll_read(cx, room).map_err(|_| Gone)
    }

    /// Sends what waits, and ends our side.
    pub(super) fn poll_shut(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        if !self.has_shut {
            ready!(self.outgoing.poll_flush(&mut self.io, cx))?;
            ready!(Pin::new(&mut self.io).poll_shutdown(cx)).map_err(|_| Gone)?;
            self.has_shut = true;
        }
        Poll::Ready(Ok(()))
    }

    fn event(&mut self, id: &str, frame: &Frame) {
        let json = frame.json();
        self.outgoing.reserve(json.len() + id.len() + 64);
        self.outgoing.text(|bytes| {
            bytes.extend_from_slice(br#"{"type":"event","id":"#);
            // A string into memory: this cannot fail.
            serde_json::to_writer(&mut *bytes, id).unwrap_or_default();
            bytes.extend_from_slice(br#","event":"#);
            bytes.extend_from_slice(json);
            bytes.push(b'}');
        });
    }

    fn closing(&mut self, closing: Closing) {
        let reason = closing.reason.as_str().to_owned();
        self.answer(&ServerFrame::Closing { reason, reconnect_after_ms: whole_millis(closing.reconnect_after) });
        self.outgoing.close(Code::of_closing(closing, self.violation));
        self.is_closed = true;
    }
}

/// Somebody who watches, as others are told.
fn watcher(presence: &Presence) -> Watcher {
    Watcher { session: presence.session.to_string(), actor: presence.actor.to_string(), since: presence.since.into() }
}

/// Whole milliseconds, rounded up: who comes back is not to be early.
fn whole_millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin> PushTransport for WebSocketTransport<IO> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        self.outgoing.poll_room(&mut self.io, cx)
    }

    fn push(&mut self, push: Push) {
        let text = |id: Arc<str>| (*id).to_owned();
        match push {
            Push::Event { id, frame } => self.event(&id, &frame),
            Push::Subscribed { id, cursor, recovered } => {
                self.answer(&ServerFrame::Subscribed { id: text(id), cursor: cursor.into(), recovered });
            }
            Push::Reset { id, cursor } => {
                let reason = "expired".to_owned();
                self.answer(&ServerFrame::Reset { id: text(id), reason, cursor: cursor.into() });
            }
            Push::Skipped { id, cursor } => {
                self.answer(&ServerFrame::Skipped { id: text(id), cursor: cursor.into() });
            }
            Push::Present { id, members } => {
                let members = members.present().iter().map(watcher).collect();
                self.answer(&ServerFrame::Presence { id: text(id), members });
            }
            Push::Joined { id, presence } => {
                self.answer(&ServerFrame::Joined { id: text(id), member: watcher(&presence) });
            }
            Push::Left { id, presence } => {
                self.answer(&ServerFrame::Left { id: text(id), member: watcher(&presence) });
            }
            Push::Heartbeat => self.outgoing.ping(),
            Push::Closing(closing) => self.closing(closing),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        self.outgoing.poll_flush(&mut self.io, cx)
    }
}

impl<IO> fmt::Debug for WebSocketTransport<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketTransport").field("is_closed", &self.is_closed).finish_non_exhaustive()
    }
}
