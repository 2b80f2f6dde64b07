//! Why a WebSocket is closed, as its protocol says it (RFC 6455 §7.4).

use tungstenite::Error;
use tungstenite::error::CapacityError;
use waypost_core::push::{Closing, Reason};

/// A code of a close frame, with words for people: at most 123 bytes (RFC 6455 §5.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) number: u16,
    pub(super) words: &'static str,
}

const fn code(number: u16, words: &'static str) -> Code {
    Code { number, words }
}

/// A message that is not text.
pub(super) const BINARY: Code = code(1003, "only text messages are read here");
/// A length that is written in more bytes than it needs (RFC 6455 §5.2).
pub(super) const LONG_LENGTH: Code = code(1002, "a frame's length takes more bytes than it needs");
const PROTOCOL: Code = code(1002, "a frame breaks the protocol");
const NOT_UTF8: Code = code(1007, "a text is not UTF-8");
const TOO_BIG: Code = code(1009, "a message or frame is above 64 KiB");

impl Code {
    /// The code of what the library found wrong with what came in.
    pub(super) fn of_fault(fault: &Error) -> Self {
        match fault {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => TOO_BIG,
            Error::Utf8(_) => NOT_UTF8,
            _ => PROTOCOL,
        }
    }

    /// The code of the end of a session; `violation` is what the client did, where that is the reason.
    pub(super) fn of_closing(closing: Closing, violation: Option<Self>) -> Self {
        match closing.reason {
            Reason::Drain => code(1001, "the server is going away"),
            Reason::Lifetime => code(1001, "the connection has lasted long enough"),
            Reason::TokenEnded => code(4401, "the credentials have ended"),
            Reason::TooSlow => code(4408, "events come faster than they are read"),
            Reason::Silent => code(4408, "a ping was not answered"),
            Reason::TooMany => code(4429, "there are too many connections"),
            Reason::RateLimited => code(4429, "more comes in than may"),
            Reason::Violation => violation.unwrap_or(PROTOCOL),
        }
    }
}
