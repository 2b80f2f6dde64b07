//! What an owner asks an endpoint to be: the body of a registration and of a merge patch, read the same way.

use std::num::{NonZeroU16, NonZeroU32};

use serde_json::{Map, Value};

use super::{CustomHeaders, Endpoint, EndpointState, EventPattern, FieldFilter, Format, Ordering, Scheme, Target};
use crate::error::{Error, Issue};
use crate::fields::{Field, Fields, kind};

/// The most patterns of an endpoint.
pub const MOST_EVENTS: usize = 64;
/// The longest description, in characters.
const LONGEST: usize = 512;
/// The highest rate that can be asked for, in deliveries a second: above what one node sends in all.
const HIGHEST_RATE: u64 = 10_000;
/// The most deliveries that can be asked to be under way at a time: what a node has under way in all, or nearly.
const HIGHEST_CONCURRENCY: u64 = 1_000;

/// The fields of an endpoint that its owner may set, and set again.
#[derive(Clone, Debug, Default)]
pub struct EndpointEdit {
    pub(super) target: Field<Target>,
    pub(super) events: Field<Vec<EventPattern>>,
    filter: Field<Map<String, Value>>,
    headers: Field<Map<String, Value>>,
    description: Field<String>,
    enabled: Field<bool>,
    format: Field<Format>,
    ordering: Field<Ordering>,
    rate_limit: Field<NonZeroU32>,
    concurrency: Field<NonZeroU16>,
    scheme: Field<Scheme>,
}

/// What `null` means inside an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    /// Remove the member (RFC 7396).
    Remove,
    /// A value like any other, and the wrong one.
    AreValues,
}

impl EndpointEdit {
    /// Reads a merge patch; `allow_http` is the operator's word on targets without TLS.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) with every fault of every field.
    pub fn read(mut fields: Fields, allow_http: bool) -> Result<Self, Error> {
        if fields.take("payload_version") != Field::Absent {
            fields.fault("payload_version", "cannot be changed, since the receiver was written for it; register anew");
        }
        let edit = Self::read_fields(&mut fields, allow_http, Nulls::Remove);
        for (name, is_null) in [("url", edit.target == Field::Null), ("events", edit.events == Field::Null)] {
            if is_null {
                fields.fault(name, "cannot be removed");
            }
        }
        fields.finish().map(|()| edit)
    }

    pub(super) fn read_fields(fields: &mut Fields, allow_http: bool, nulls: Nulls) -> Self {
        let rate = fields.whole("rate_limit", 1..=HIGHEST_RATE);
        let concurrency = fields.whole("concurrency", 1..=HIGHEST_CONCURRENCY);
        Self {
            target: fields.text("url", |text| Target::parse(text, allow_http)),
            events: read_events(fields),
            filter: members(fields, "filter", nulls, |object| FieldFilter::parse(object).map(drop)),
            headers: members(fields, "headers", nulls, |object| CustomHeaders::parse(object).map(drop)),
            description: fields.text("description", |text| match text.chars().count() {
                0..=LONGEST => Ok(text.to_owned()),
                _ => Err(format!("must be at most {LONGEST} characters")),
            }),
            enabled: fields.flag("enabled"),
            format: fields.text("format", |text| named(Format::parse(text), Format::NAMES)),
            ordering: fields.text("ordering", |text| named(Ordering::parse(text), Ordering::NAMES)),
            rate_limit: narrow(rate, |rate| NonZeroU32::new(u32::try_from(rate).ok()?)),
            concurrency: narrow(concurrency, |calls| NonZeroU16::new(u16::try_from(calls).ok()?)),
            scheme: fields.text("signature", |text| named(Scheme::parse(text), Scheme::NAMES)),
        }
    }

    /// Merges the edit into `endpoint` (RFC 7396). Another address is no longer proved to be the owner's.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) where the filter or the headers outgrow their bounds by the merge.
    pub fn apply(self, endpoint: &mut Endpoint) -> Result<(), Error> {
        let mut issues = Vec::new();
        if let Some(object) = merged(endpoint.filter.to_json(), self.filter, str::to_owned) {
            match FieldFilter::parse(object) {
                Ok(filter) => endpoint.filter = filter,
                Err(faults) => issues.extend(told("filter", faults)),
            }
        }
        if let Some(object) = merged(endpoint.headers.to_json(), self.headers, str::to_ascii_lowercase) {
            match CustomHeaders::parse(object) {
                Ok(headers) => endpoint.headers = headers,
                Err(faults) => issues.extend(told("headers", faults)),
            }
        }
        if !issues.is_empty() {
            return Err(Error::invalid(issues));
        }
        if let Field::Value(target) = self.target
            && target != endpoint.target
        {
            (endpoint.target, endpoint.verified_at) = (target, None);
        }
        if let Field::Value(events) = self.events {
            endpoint.events = events;
        }
        self.description.merge_into(&mut endpoint.description);
        self.rate_limit.merge_into(&mut endpoint.rate_limit);
        set(self.format, &mut endpoint.format, Format::Waypost);
        set(self.ordering, &mut endpoint.ordering, Ordering::None);
        set(self.concurrency, &mut endpoint.concurrency, Endpoint::CONCURRENCY);
        set(self.scheme, &mut endpoint.scheme, Scheme::Hmac);
        match self.enabled {
            Field::Absent => {}
            Field::Null | Field::Value(true) => endpoint.state = EndpointState::Enabled,
            // One that was disabled for a reason keeps it.
            Field::Value(false) if endpoint.state != EndpointState::Enabled => {}
            Field::Value(false) => endpoint.state = EndpointState::Disabled,
        }
        Ok(())
    }
}

fn set<T>(field: Field<T>, slot: &mut T, default: T) {
    match field {
        Field::Absent => {}
        Field::Null => *slot = default,
        Field::Value(value) => *slot = value,
    }
}

fn named<T>(value: Option<T>, names: &[&str]) -> Result<T, String> {
    value.ok_or_else(|| format!("must be one of {}", names.join(", ")))
}

fn narrow<T>(field: Field<u64>, take: impl FnOnce(u64) -> Option<T>) -> Field<T> {
    match field {
        Field::Absent => Field::Absent,
        Field::Null => Field::Null,
        Field::Value(number) => take(number).map_or(Field::Absent, Field::Value),
    }
}

/// Faults of an object's members, each under the member's own path.
fn told(name: &str, faults: Vec<(String, String)>) -> impl Iterator<Item = Issue> {
    faults.into_iter().map(move |(member, issue)| match member.is_empty() {
        true => Issue::new(name, issue),
        false => Issue::new(format!("{name}.{member}"), issue),
    })
}

/// Takes an object, and has its members checked.
fn members(
    fields: &mut Fields,
    name: &str,
    nulls: Nulls,
    check: impl FnOnce(Map<String, Value>) -> Result<(), Vec<(String, String)>>,
) -> Field<Map<String, Value>> {
    let object = match fields.read(name, |value| match value {
        Value::Object(object) => Ok(object),
        other => Err(format!("must be an object, not {}", kind(&other))),
    }) {
        Field::Value(object) => object,
        other => return other,
    };
    let is_set = |value: &Value| nulls == Nulls::AreValues || !value.is_null();
    let set = object.iter().filter(|(_, value)| is_set(value)).map(|(name, value)| (name.clone(), value.clone()));
    match check(set.collect()) {
        Ok(()) => Field::Value(object),
        Err(faults) => {
            told(name, faults).for_each(|fault| fields.fault(&fault.field, fault.issue));
            Field::Absent
        }
    }
}

/// The object after the merge; `None` where nothing is to change.
fn merged(kept: Value, patch: Field<Map<String, Value>>, spell: impl Fn(&str) -> String) -> Option<Map<String, Value>> {
    let patch = match patch {
        Field::Absent => return None,
        Field::Null => return Some(Map::new()),
        Field::Value(patch) => patch,
    };
    let mut object = if let Value::Object(kept) = kept { kept } else { Map::new() };
    for (name, value) in patch {
        let name = spell(&name);
        if value.is_null() {
            object.remove(&name);
        } else {
            object.insert(name, value);
        }
    }
    Some(object)
}

/// Reads the patterns one by one, so that each faulty one is told under its own path. Each is kept once.
fn read_events(fields: &mut Fields) -> Field<Vec<EventPattern>> {
    let items = match fields.read("events", |value| match value {
        Value::Array(items) if (1..=MOST_EVENTS).contains(&items.len()) => Ok(items),
        Value::Array(items) => Err(format!("must be 1 to {MOST_EVENTS} patterns, not {}", items.len())),
        other => Err(format!("must be a list, not {}", kind(&other))),
    }) {
        Field::Value(items) => items,
        Field::Null => return Field::Null,
        Field::Absent => return Field::Absent,
    };
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
    Field::Value(patterns)
}
