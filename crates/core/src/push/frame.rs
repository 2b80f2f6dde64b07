//! The frame: an event as it goes out, written down once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use jiff::Timestamp;

use super::Transport;
use crate::error::{Error, Result};
use crate::events::{EventType, Logged, Position, binding};
use crate::page::Cursors;
use crate::wire::v1;

/// An event at its place in the log, written down once for all who get it.
///
/// Every session of a workspace is shown the same bytes: the cursor is bound to the workspace and to nothing else.
#[derive(Debug)]
pub struct Frame {
    position: Position,
    kind: EventType,
    subject: Option<Box<str>>,
    read_at: Timestamp,
    cursor: Box<str>,
    json: Bytes,
    encoded: [OnceLock<Bytes>; Transport::ALL.len()],
    is_superseded: AtomicBool,
}

impl Frame {
    /// Writes down an event that was read at `now`.
    ///
    /// # Errors
    /// [`Internal`](crate::Kind::Internal) where the log kept data that is not JSON.
    pub fn of(logged: &Logged, cursors: &Cursors, now: Timestamp) -> Result<Self> {
        let event = &logged.event;
        let cursor = cursors.seal(&binding(event.workspace), &logged.position.to_bytes());
        let shown = v1::Event::of(event, cursor.clone()).map_err(Error::internal)?;
        Ok(Self {
            position: logged.position,
            kind: event.kind.clone(),
            subject: event.subject.as_deref().map(Into::into),
            read_at: now,
            cursor: cursor.into(),
            json: serde_json::to_vec(&shown).map_err(Error::internal)?.into(),
            encoded: Default::default(),
            is_superseded: AtomicBool::new(false),
        })
    }

    /// Its place in the log.
    pub fn position(&self) -> Position {
        self.position
    }

    /// What happened.
    pub fn kind(&self) -> &EventType {
        &self.kind
    }

    /// The thing that it happened to.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// When this node read it.
    pub(super) fn read_at(&self) -> Timestamp {
        self.read_at
    }

    /// Where to go on after it.
    pub fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The event as JSON, a [`v1::Event`].
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// The event as a transport sends it, made by the first who asks.
    pub fn encoded(&self, transport: Transport, encode: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.encoded[transport as usize].get_or_init(|| encode(self)).clone()
    }

    /// How much memory it takes, about.
    pub(super) fn size(&self) -> usize {
        // What a transport makes of it is about as long.
        2 * self.json.len() + 256
    }

    /// Notes that a later frame says all that this one does.
    pub(super) fn supersede(&self) {
        self.is_superseded.store(true, Ordering::Relaxed);
    }

    /// Whether a later frame says all that this one does.
    pub(super) fn is_superseded(&self) -> bool {
        self.is_superseded.load(Ordering::Relaxed)
    }
}
