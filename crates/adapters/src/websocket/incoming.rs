//! What comes in: bytes, then frames, then messages.

use std::io::{self, Read, Write};
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use tungstenite::error::Error;
use tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};
use waypost_core::limits::{Algorithm, Policy, State};

use super::code::{self, Code};
use super::heads::Heads;
use super::outgoing::Outgoing;

/// The most bytes of a message, and of a frame (§12).
const MOST: usize = 64 * 1024;
/// How much of a frame is held at first; a longer one takes what it needs.
const FIRST: usize = 512;

/// What a client may send: enough to subscribe to everything at once and to acknowledge each screenful of events.
static RATES: LazyLock<Rates> = LazyLock::new(|| {
    let policy = |name, quota, seconds| {
        Policy::new(name, Algorithm::TokenBucket, quota, Duration::from_secs(seconds))
            .unwrap_or_else(|fault| unreachable!("{fault}"))
    };
    Rates {
        // 100 at once, 20 a second.
        frames: policy("live-frames", 100, 5),
        // The largest message twice over at once, one a second.
        bytes: policy("live-bytes", 2 * MOST as u32, 2),
    }
});

struct Rates {
    frames: Policy,
    bytes: Policy,
}

/// The reading side. It holds a buffer only while a frame or a message is half there.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    heads: Heads,
    frames: Option<State>,
    bytes: Option<State>,
    protocol: Option<Box<WebSocketContext>>,
}

/// Why nothing more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// More comes in than may.
    Flood,
    /// The protocol was broken.
    Violation(Code),
}

impl Incoming {
    /// Counts bytes that have come in, and the frames that begin in them.
    pub(super) fn admit(&mut self, bytes: &[u8], now: Timestamp) -> Result<(), Fault> {
        let frames = self.heads.pass(bytes).map_err(|_| Fault::Violation(code::LONG_LENGTH))?;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        take(&RATES.bytes, &mut self.bytes, length, now)?;
        self.charge(frames, now)
    }

    /// Counts so many frames more.
    pub(super) fn charge(&mut self, frames: u32, now: Timestamp) -> Result<(), Fault> {
        take(&RATES.frames, &mut self.frames, frames, now)
    }

    /// The next message in `bytes`, which are taken; answers of the protocol go to `outgoing`.
    pub(super) fn next(&mut self, bytes: &mut &[u8], outgoing: &mut Outgoing) -> Option<Result<Message, Fault>> {
        let protocol =
            self.protocol.get_or_insert_with(|| Box::new(WebSocketContext::new(Role::Server, Some(config()))));
        let mut wire = Wire { bytes, answers: outgoing.answers() };
        match protocol.read(&mut wire) {
            Ok(message) => {
                if matches!(message, Message::Close(_)) {
                    // Writes the answer, and then says that nothing more can be written.
                    let _ = protocol.flush(&mut wire);
                }
                Some(Ok(message))
            }
            Err(Error::Io(_)) => {
                if self.heads.is_between() {
                    self.protocol = None;
                }
                None
            }
            Err(fault) => Some(Err(Fault::Violation(Code::of_fault(&fault)))),
        }
    }
}

#[cfg(test)]
impl Incoming {
    /// Whether there is a buffer.
    pub(super) fn holds_something(&self) -> bool {
        self.protocol.is_some()
    }
}

fn take(policy: &Policy, state: &mut Option<State>, cost: u32, now: Timestamp) -> Result<(), Fault> {
    let (next, decision) = policy.decide(state.as_ref(), cost, now);
    *state = Some(next);
    if decision.is_allowed() { Ok(()) } else { Err(Fault::Flood) }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(FIRST)
        // Its answers go straight to what waits to go out.
        .write_buffer_size(0)
        .max_write_buffer_size(FIRST)
        .max_message_size(Some(MOST))
        .max_frame_size(Some(MOST))
}

/// The connection as the library sees it: what has come in so far, and a place for answers that never refuses.
struct Wire<'a, 'b, W> {
    bytes: &'a mut &'b [u8],
    answers: W,
}

impl<W> Read for Wire<'_, '_, W> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.bytes.read(room) }
    }
}

impl<W: Write> Write for Wire<'_, '_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.answers.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
