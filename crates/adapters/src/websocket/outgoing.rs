//! What waits to go out.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use serde::Serialize;
use tokio::io::AsyncWrite;
use waypost_core::push::Gone;

use super::code::Code;

/// From so much on a write is tried before more is gathered: as much as a socket usually takes at once.
const ENOUGH: usize = 16 * 1024;
/// The most that gathers for a client that does not read, one message and a few answers apart.
const MOST: usize = 64 * 1024;

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// Whole frames, in the order in which they go out. Nothing is held while nothing waits.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    /// The connection holds bytes that it was not told to send yet.
    is_dirty: bool,
    /// The last write found no room.
    is_blocked: bool,
    /// There was room again after that: the other side reads.
    has_moved: bool,
}

impl Outgoing {
    /// Adds a text message, as `write` writes it.
    pub(super) fn text(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        // Most messages have a length of two bytes; where one has not, it moves.
        self.bytes.extend_from_slice(&[TEXT, 126, 0, 0]);
        let payload = self.bytes.len();
        write(&mut self.bytes);
        let length = self.bytes.len() - payload;
        match u16::try_from(length) {
            Ok(short @ 0..126) => {
                self.bytes[start + 1] = short as u8;
                self.bytes.drain(start + 2..payload);
            }
            Ok(middle) => self.bytes[start + 2..payload].copy_from_slice(&middle.to_be_bytes()),
            Err(_) => {
                self.bytes[start + 1] = 127;
                self.bytes.splice(start + 2..payload, (length as u64).to_be_bytes());
            }
        }
    }

    /// Adds a text message of JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) {
        // Strings, numbers and lists of them: writing these into memory cannot fail.
        self.text(|bytes| serde_json::to_writer(bytes, value).unwrap_or_default());
    }

    /// Adds a ping without a payload.
    pub(super) fn ping(&mut self) {
        self.bytes.extend_from_slice(&[PING, 0]);
    }

    /// Adds the last frame.
    pub(super) fn close(&mut self, code: Code) {
        let length = (2 + code.words.len()) as u8;
        self.bytes.extend_from_slice(&[CLOSE, length]);
        self.bytes.extend_from_slice(&code.number.to_be_bytes());
        self.bytes.extend_from_slice(code.words.as_bytes());
    }

    /// Where the library writes its answers, frame by frame.
    pub(super) fn answers(&mut self) -> impl std::io::Write + '_ {
        &mut self.bytes
    }

    /// Makes room for a message of about this length, without growing step by step.
    pub(super) fn reserve(&mut self, length: usize) {
        self.bytes.reserve(length);
    }

    /// Whether more may be added.
    pub(super) fn poll_room<W: AsyncWrite + Unpin>(
        &mut self,
        io: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Gone>> {
        if self.bytes.len() >= ENOUGH {
            let _ = self.poll_flush(io, cx)?;
        }
        if self.bytes.len() >= MOST { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    /// Sends everything.
    pub(super) fn poll_flush<W: AsyncWrite + Unpin>(
        &mut self,
        io: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Gone>> {
        while !self.bytes.is_empty() {
            match Pin::new(&mut *io).poll_write(cx, &self.bytes) {
                Poll::Ready(Ok(sent)) if sent > 0 => {
                    self.bytes.drain(..sent);
                    self.has_moved |= std::mem::take(&mut self.is_blocked);
                    self.is_dirty = true;
                }
                Poll::Ready(_) => return Poll::Ready(Err(Gone)),
                Poll::Pending => {
                    self.is_blocked = true;
                    return Poll::Pending;
                }
            }
        }
        self.bytes = Vec::new();
        if self.is_dirty {
            ready!(Pin::new(io).poll_flush(cx)).map_err(|_| Gone)?;
            self.is_dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    /// How much memory it takes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether the other side was found to read, after it had not, since this was asked last.
    pub(super) fn has_moved(&mut self) -> bool {
        std::mem::take(&mut self.has_moved)
    }
}
