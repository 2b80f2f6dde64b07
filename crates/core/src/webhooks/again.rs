//! Which deliveries an owner asks for again.

use jiff::Timestamp;
use serde_json::Value;

use super::FailureClass;
use crate::error::{Error, Result};
use crate::events::EventType;
use crate::fields::{Fields, kind};

/// The most types that dead letters are chosen by.
const MOST_TYPES: usize = 64;

/// Which dead letters are to be owed again; every condition must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverRequest {
    /// Of events that were made at this moment or later.
    pub since: Timestamp,
    /// Of events that were made before this moment.
    pub until: Option<Timestamp>,
    /// Of one of these types; of any if there are none.
    pub types: Vec<EventType>,
    /// Whose last call failed in one of these ways; in any if there are none.
    pub classes: Vec<FailureClass>,
}

/// Which events are to be sent that never were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayRequest {
    /// Those that were made at this moment or later.
    pub since: Timestamp,
    /// Those that were made before this moment.
    pub until: Option<Timestamp>,
    /// Where the part before this one ended.
    pub cursor: Option<String>,
}

impl RecoverRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) with every fault of every field.
    pub fn read(mut fields: Fields) -> Result<Self> {
        let range = read_range(&mut fields);
        let types = read_list(&mut fields, "types", MOST_TYPES, |text| {
            EventType::parse(text).map_err(|fault| fault.to_string())
        });
        let classes = read_list(&mut fields, "errors", FailureClass::NAMES.len(), |text| {
            FailureClass::parse(text).ok_or_else(|| format!("must be one of {}", FailureClass::NAMES.join(", ")))
        });
        fields.finish()?;
        let (since, until) = range.ok_or_else(|| Error::internal("a fault was noted and lost"))?;
        Ok(Self { since, until, types, classes })
    }
}

impl ReplayRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) with every fault of every field.
    pub fn read(mut fields: Fields) -> Result<Self> {
        let range = read_range(&mut fields);
        let cursor = fields.text("cursor", |text| Ok::<_, String>(text.to_owned())).value();
        fields.finish()?;
        let (since, until) = range.ok_or_else(|| Error::internal("a fault was noted and lost"))?;
        Ok(Self { since, until, cursor: cursor.filter(|cursor| !cursor.is_empty()) })
    }
}

fn read_range(fields: &mut Fields) -> Option<(Timestamp, Option<Timestamp>)> {
    let (since, until) = (fields.time("since").value(), fields.time("until").value());
    if since.is_none() && !fields.is_at_fault("since") {
        fields.fault("since", "is required");
    }
    if since.zip(until).is_some_and(|(since, until)| until <= since) {
        fields.fault("until", "must lie after `since`");
    }
    Some((since?, until))
}

fn read_list<T>(
    fields: &mut Fields,
    name: &str,
    most: usize,
    parse: impl Fn(&str) -> std::result::Result<T, String>,
) -> Vec<T> {
    let items = fields.read(name, |value| match value {
        Value::Array(items) if items.len() <= most => Ok(items),
        Value::Array(items) => Err(format!("must be at most {most} names, not {}", items.len())),
        other => Err(format!("must be a list, not {}", kind(&other))),
    });
    let mut read = Vec::new();
    for (at, item) in items.value().unwrap_or_default().iter().enumerate() {
        let parsed = match item {
            Value::String(text) => parse(text),
            other => Err(format!("must be a string, not {}", kind(other))),
        };
        match parsed {
            Ok(value) => read.push(value),
            Err(fault) => fields.fault(&format!("{name}[{at}]"), fault),
        }
    }
    read
}
