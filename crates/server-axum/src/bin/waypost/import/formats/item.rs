//! One item of a JSON export, asked for by key, and the way from items to links.

use std::collections::VecDeque;
use std::io::Read;

use serde_json::{Map, Value};

use super::json::{Items, Text};
use super::row::{Outcome, PASSWORD, Refused, Row, Scope, brief};

/// What one item becomes: links (a service may know one under several names), or the reason why none.
pub(crate) type Mapped = Result<Vec<Row>, String>;

/// An object of an export. Numbers and flags may come as text, as PHP and databases write them.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its place, from 1; the line for a text.
    pub(crate) line: u64,
    fields: Map<String, Value>,
}

impl Item {
    /// An item of these fields.
    pub(crate) fn new(line: u64, fields: Map<String, Value>) -> Self {
        Item { line, fields }
    }

    /// The value under a key, unless it is null.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    /// Text under a key, unless it is empty.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The object under a key; an empty one where there is none.
    pub(crate) fn object(&self, key: &str) -> Item {
        Item::new(self.line, self.get(key).and_then(Value::as_object).cloned().unwrap_or_default())
    }

    /// A count under a key.
    pub(crate) fn count(&self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
    }

    /// A count that a link depends on.
    ///
    /// # Errors
    ///
    /// A reason, when there is something but no count: a limit must not vanish because it was misread.
    pub(crate) fn limit(&self, key: &str) -> Result<Option<u64>, String> {
        match (self.is_set(key), self.count(key)) {
            (true, None) => Err(format!("`{key}` is not a count")),
            (_, limit) => Ok(limit.filter(|limit| *limit > 0)),
        }
    }

    /// A time that a link depends on, as text.
    ///
    /// # Errors
    ///
    /// A reason, when there is something but neither text nor a number.
    pub(crate) fn time(&self, key: &str) -> Result<Option<String>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(format!("`{key}` is not a time")),
        }
    }

    /// Whether the key says anything at all: not null, not false, not zero, not empty.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        match self.get(key) {
            None => false,
            Some(Value::Bool(yes)) => *yes,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::String(text)) => !matches!(text.trim(), "" | "0" | "false" | "f"),
            Some(Value::Array(values)) => !values.is_empty(),
            Some(Value::Object(fields)) => fields.values().any(|value| !value.is_null()),
            Some(Value::Null) => false,
        }
    }

    /// Names in an array, be they texts or objects with a `name`.
    pub(crate) fn names(&self, key: &str) -> Vec<&str> {
        let values = self.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        values.iter().filter_map(|value| value.as_str().or_else(|| value.get("name")?.as_str())).collect()
    }

    /// Refuses a link behind a password.
    ///
    /// # Errors
    ///
    /// The reason, when the key says anything but no.
    pub(crate) fn refuse_password(&self, key: &str) -> Result<(), String> {
        if self.is_set(key) { Err(PASSWORD.to_owned()) } else { Ok(()) }
    }

    /// Notes on `row` that the item says things which neither `used` nor `idle` names.
    ///
    /// Services add fields; one that appeared after this was written must not vanish unnoticed.
    pub(crate) fn note_unknown(&self, row: &mut Row, used: &[&str], idle: &[&str]) {
        if self
            .fields
            .keys()
            .any(|key| !used.contains(&key.as_str()) && !idle.contains(&key.as_str()) && self.is_set(key))
        {
            row.leave_out("fields that this importer does not know");
        }
    }

    /// The item as text, its password blanked.
    pub(crate) fn redacted(&self) -> String {
        let mut fields = self.fields.clone();
        if let Some(password) = fields.get_mut("password").filter(|value| value.is_string()) {
            *password = Value::from("[redacted]");
        }
        Value::Object(fields).to_string()
    }

    /// What `map` makes of the item.
    pub(crate) fn outcomes(&self, map: fn(&Item) -> Mapped) -> VecDeque<Outcome> {
        match map(self) {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            Err(reason) => {
                VecDeque::from([Err(Refused { line: self.line, reason, raw: self.redacted(), scope: Scope::Row })])
            }
        }
    }
}

/// Links from a JSON export.
pub(crate) struct Rows<R: Read> {
    items: Items<R>,
    map: fn(&Item) -> Mapped,
    ready: VecDeque<Outcome>,
    count: u64,
}

impl<R: Read> Rows<R> {
    /// Reads items from `reader` and makes links of them by `map`.
    pub(crate) fn new(reader: R, map: fn(&Item) -> Mapped) -> Self {
        Rows { items: Items::new(reader), map, ready: VecDeque::new(), count: 0 }
    }

    fn outcomes(&self, text: Text) -> VecDeque<Outcome> {
        let line = self.count;
        let refuse =
            |reason: String, raw: String| VecDeque::from([Err(Refused { line, reason, raw, scope: Scope::Row })]);
        let Some(text) = text.0 else {
            return refuse("the item is larger than 1 MiB".to_owned(), String::new());
        };
        match serde_json::from_slice(&text) {
            Ok(Value::Object(fields)) => Item::new(line, fields).outcomes(self.map),
            Ok(other) => refuse("the item is not an object".to_owned(), brief(&other.to_string())),
            Err(error) => {
                // What cannot be parsed cannot be blanked in parts.
                let secret = text.windows(8).any(|part| part == b"password");
                let raw = if secret { "[redacted]".to_owned() } else { String::from_utf8_lossy(&text).into_owned() };
                refuse(format!("the item is not valid JSON: {error}"), raw)
            }
        }
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Outcome;

    fn next(&mut self) -> Option<Outcome> {
        loop {
            if let Some(outcome) = self.ready.pop_front() {
                return Some(outcome);
            }
            let item = self.items.next()?;
            self.count += 1;
            match item {
                Ok(text) => self.ready = self.outcomes(text),
                Err(broken) => {
                    return Some(Err(Refused {
                        line: self.count,
                        reason: broken.to_string(),
                        raw: String::new(),
                        scope: Scope::Rest,
                    }));
                }
            }
        }
    }
}
