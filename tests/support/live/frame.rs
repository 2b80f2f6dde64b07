//! The frames of the subprotocol `waypost.v1`.

use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Manner, Start};

/// What clients call their one subscription.
const NAME: &str = "feed";

/// What the frame of an event begins with, as servers write it; where one does not, all of the frame is read.
const EVENT: &[u8] = br#"{"type":"event","id":"feed","event":"#;

/// A frame from a server.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    Event(&'a [u8]),
    /// Where the subscription begins.
    Subscribed(Option<String>),
    /// Where it goes on.
    Reset(Option<String>),
    Closing(Option<Duration>),
    /// Any other, by its type.
    Other(String),
}

/// Subscribes to what the manner wants, from a cursor or from where it begins.
pub(super) fn subscribe(manner: &Manner, cursor: Option<&str>) -> String {
    let mut frame = json!({ "type": "subscribe", "id": NAME });
    if !manner.types.is_empty() {
        frame["types"] = manner.types.split(',').collect::<Vec<_>>().into();
    }
    match cursor {
        Some(cursor) => frame["cursor"] = cursor.into(),
        None if manner.start == Start::Oldest => frame["from"] = "start".into(),
        None => {}
    }
    frame.to_string()
}

/// Reads a frame; `None` for what is none.
pub(super) fn read(text: &[u8]) -> Option<Frame<'_>> {
    if let Some(event) = text.strip_prefix(EVENT).and_then(|rest| rest.strip_suffix(b"}")) {
        return Some(Frame::Event(event));
    }
    #[derive(serde::Deserialize)]
    struct Any<'a> {
        #[serde(rename = "type")]
        kind: String,
        #[serde(borrow)]
        event: Option<&'a RawValue>,
        cursor: Option<String>,
        reconnect_after_ms: Option<Value>,
    }
    let any: Any<'_> = serde_json::from_slice(text).ok()?;
    Some(match (any.kind.as_str(), any.event) {
        ("event", Some(event)) => Frame::Event(event.get().as_bytes()),
        ("subscribed", _) => Frame::Subscribed(any.cursor),
        ("reset", _) => Frame::Reset(any.cursor),
        ("closing", _) => {
            Frame::Closing(any.reconnect_after_ms.and_then(|millis| millis.as_u64()).map(Duration::from_millis))
        }
        _ => Frame::Other(any.kind),
    })
}
