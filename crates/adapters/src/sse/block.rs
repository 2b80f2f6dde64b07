//! The blocks of a stream.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use waypost_core::push::{Closing, Frame};

/// What a stream begins with: bytes at once, so that whatever lies between shows that it lets them through, and how long a
/// client waits before it comes back (§10).
pub(super) const OPENING: &[u8] = b": ok\nretry: 3000\n\n";
/// What shows that the stream lives.
pub(super) const COMMENT: &[u8] = b":\n\n";

/// An event. JSON has no line ends in it, so that its data are one line.
pub(super) fn event(frame: &Frame) -> Bytes {
    let (kind, json) = (frame.kind().as_str(), frame.json());
    let mut block = Vec::with_capacity(json.len() + kind.len() + frame.cursor().len() + 32);
    for part in
        [b"id: ".as_slice(), frame.cursor().as_bytes(), b"\nevent: ", kind.as_bytes(), b"\ndata: ", json, b"\n\n"]
    {
        block.extend_from_slice(part);
    }
    block.into()
}

/// Where the client stands. A block without data is no event, and its id holds all the same: a client that is cut off
/// before the first event comes back to this place.
pub(super) fn place(cursor: &str) -> String {
    format!("id: {cursor}\n\n")
}

/// An event of the stream itself, with the place where it goes on.
pub(super) fn turn(kind: &str, cursor: &str, reason: &str) -> String {
    format!("id: {cursor}\nevent: {kind}\ndata: {{\"reason\":\"{reason}\",\"cursor\":\"{cursor}\"}}\n\n")
}

/// The last word: why the stream ends, and when to come back. For `EventSource` the latter is the field `retry`.
pub(super) fn closing(closing: Closing) -> String {
    let wait = milliseconds(closing.reconnect_after);
    let mut block = String::new();
    let _ = write!(
        block,
        "retry: {wait}\nevent: closing\ndata: {{\"reason\":\"{}\",\"reconnect_after_ms\":{wait}}}\n\n",
        closing.reason
    );
    block
}

/// Whole milliseconds, rounded up: who comes back is not to be early.
fn milliseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
