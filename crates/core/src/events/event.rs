//! The event and what it carries.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::ids::{EventId, WorkspaceId};

/// Something that happened. It is told on every channel under the same id.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id; consumers drop what they have seen.
    pub id: EventId,
    /// What happened.
    pub kind: EventType,
    /// Which version of the payload's schema.
    pub version: u16,
    /// When.
    pub created_at: Timestamp,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The thing that it happened to, say a link's id. Events of one subject are told in the order of their commits.
    pub subject: Option<String>,
    /// The trace of the request that caused it (W3C Trace Context).
    pub traceparent: Option<String>,
    /// What a listener wants to know.
    pub data: Payload,
}

impl Event {
    /// What the order of events is kept by: the subject, or the workspace where there is none.
    pub fn ordering_key(&self) -> String {
        self.subject.clone().unwrap_or_else(|| self.workspace.to_string())
    }
}

/// Why a text is not an event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be words of a-z, 0-9 and _ joined by dots, like link.created, at most 64 characters")]
pub struct InvalidEventType;

/// What happened, as words joined by dots: `link.created`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventType(Box<str>);

impl EventType {
    /// Reads an event type.
    ///
    /// # Errors
    /// [`InvalidEventType`] tells the form.
    pub fn parse(text: &str) -> Result<Self, InvalidEventType> {
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let fits = text.len() <= 64 && text.contains('.') && text.split('.').all(word);
        if fits { Ok(Self(text.into())) } else { Err(InvalidEventType) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An event's data: a JSON value as text, made once and passed on as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Box<str>);

impl Payload {
    /// Writes `value` down.
    ///
    /// # Errors
    /// Where `value` cannot be written as JSON, say a map whose keys are no strings.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// The payload that a store or a bus kept.
    pub fn trusted(json: String) -> Self {
        Self(json.into())
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
