//! What a client hears, and whom it tells.

use std::time::Duration;

use serde_json::value::RawValue;

use super::Transport;

/// Hears what a client is told, at once and in order. It must not block.
pub trait Ear: Send {
    /// The next thing.
    fn hear(&mut self, told: Told<'_>);
}

/// One thing that a client was told, or found out.
#[derive(Debug)]
pub enum Told<'a> {
    /// A session stands. For a poll: the request is on its way.
    Opened(Transport),
    /// An event, as JSON.
    Event(&'a [u8]),
    /// The place where the client stood is gone; it begins anew. The server's words on it.
    Reset(&'a [u8]),
    /// Anything else that has a name: the name, and what it said.
    Word(&'a str, &'a [u8]),
    /// The session is over, or was never there.
    Ended(&'a Ending),
}

/// How a session ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Over what.
    pub transport: Transport,
    /// Whether it had begun.
    pub was_open: bool,
    /// What ended it, in words.
    pub why: String,
    /// The status or the WebSocket's closing code, if the server gave one.
    pub code: Option<u16>,
    /// When to come back, by the server's word.
    pub back: Option<Duration>,
    /// Whether the place where the client stood is gone.
    pub is_reset: bool,
}

impl Ending {
    /// One that the server said nothing about.
    pub fn new(transport: Transport, why: impl ToString) -> Self {
        Self { transport, was_open: false, why: why.to_string(), code: None, back: None, is_reset: false }
    }
}

/// The id of an event in its JSON.
///
/// Servers write it first, and then the rest need not be read; where one does not, all of it is.
pub fn id_of(event: &[u8]) -> Option<&str> {
    let quick = event.strip_prefix(br#"{"id":""#).and_then(|rest| rest.split(|byte| *byte == b'"').next());
    if let Some(quick) = quick {
        return std::str::from_utf8(quick).ok();
    }
    #[derive(serde::Deserialize)]
    struct Event<'a> {
        id: &'a str,
    }
    serde_json::from_slice::<Event<'_>>(event).ok().map(|event| event.id)
}

/// The cursor of an event in its JSON.
pub fn cursor_of(event: &[u8]) -> Option<&str> {
    #[derive(serde::Deserialize)]
    struct Event<'a> {
        cursor: &'a str,
    }
    serde_json::from_slice::<Event<'_>>(event).ok().map(|event| event.cursor)
}

/// A page of events.
#[derive(serde::Deserialize)]
pub(super) struct Page<'a> {
    #[serde(borrow)]
    pub(super) data: Vec<&'a RawValue>,
    pub(super) next_cursor: &'a str,
}
