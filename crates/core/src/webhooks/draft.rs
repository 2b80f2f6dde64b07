//! What a client asks a new endpoint to be.

use serde_json::Value;

use super::{EventPattern, Target};
use crate::error::Error;
use crate::fields::{Fields, kind};

/// The most patterns of an endpoint.
pub const MOST_EVENTS: usize = 64;
/// The longest description, in characters.
const LONGEST: usize = 512;

/// What a client asks a new endpoint to be.
#[derive(Clone, Debug)]
pub struct EndpointDraft {
    pub(super) target: Target,
    pub(super) events: Vec<EventPattern>,
    pub(super) description: Option<String>,
    pub(super) is_enabled: bool,
}

impl EndpointDraft {
    /// Reads a draft; `allow_http` is the operator's word on targets without TLS.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) with every fault of every field.
    pub fn read(mut fields: Fields, allow_http: bool) -> Result<Self, Error> {
        let target = fields.text("url", |text| Target::parse(text, allow_http)).value();
        let events = read_events(&mut fields);
        let description = fields.text("description", |text| match text.chars().count() {
            0..=LONGEST => Ok(text.to_owned()),
            _ => Err(format!("must be at most {LONGEST} characters")),
        });
        let is_enabled = fields.flag("enabled").value().unwrap_or(true);
        for (name, is_there) in [("url", target.is_some()), ("events", events.is_some())] {
            if !is_there && !fields.is_at_fault(name) {
                fields.fault(name, "is required");
            }
        }
        fields.finish()?;
        match (target, events) {
            (Some(target), Some(events)) => Ok(Self { target, events, description: description.value(), is_enabled }),
            _ => Err(Error::internal("a fault was noted and lost")),
        }
    }
}

fn read_events(fields: &mut Fields) -> Option<Vec<EventPattern>> {
    let items = fields.read("events", |value| match value {
        Value::Array(items) if (1..=MOST_EVENTS).contains(&items.len()) => Ok(items),
        Value::Array(items) => Err(format!("must be 1 to {MOST_EVENTS} patterns, not {}", items.len())),
        other => Err(format!("must be a list, not {}", kind(&other))),
    });
    let items = items.value()?;
    let mut patterns = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        let read = match &item {
            Value::String(text) => EventPattern::parse(text).map_err(|fault| fault.to_string()),
            other => Err(format!("must be a string, not {}", kind(other))),
        };
        match read {
            Ok(pattern) if patterns.contains(&pattern) => {}
            Ok(pattern) => patterns.push(pattern),
            Err(fault) => fields.fault(&format!("events[{at}]"), fault),
        }
    }
    Some(patterns)
}
