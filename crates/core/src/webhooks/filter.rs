//! Which events an endpoint gets, by their fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::events::Event;

/// The most fields of a filter.
pub(super) const MOST_FIELDS: usize = 8;
/// The most values that one field may have.
pub(super) const MOST_VALUES: usize = 32;
/// The longest path and the longest value, in bytes.
const LONGEST: usize = 256;

/// What the fields of an event must be: every field that is named has one of the values that are named for it.
///
/// A path is `subject`, or `data` and the names that lead to the field, joined by dots: `data.link.domain`. Where a field
/// is a list, one of its items is enough: `data.link.tags`. Values are strings, numbers, `true`, `false` or `null`, and
/// must be equal; a field that is not there is `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldFilter(BTreeMap<String, Vec<Value>>);

impl FieldFilter {
    /// Reads a filter: an object of paths with lists of values.
    ///
    /// # Errors
    /// Every fault, with the path that it was found at.
    pub fn parse(object: Map<String, Value>) -> Result<Self, Vec<(String, String)>> {
        let mut faults = Vec::new();
        if object.len() > MOST_FIELDS {
            faults.push((String::new(), format!("must name at most {MOST_FIELDS} fields")));
        }
        let mut fields = BTreeMap::new();
        for (path, values) in object {
            match Self::field(&path, values) {
                Ok(values) => {
                    fields.insert(path, values);
                }
                Err(fault) => faults.push((path, fault)),
            }
        }
        if faults.is_empty() { Ok(Self(fields)) } else { Err(faults) }
    }

    fn field(path: &str, values: Value) -> Result<Vec<Value>, String> {
        let leads_somewhere = path == "subject" || path.strip_prefix("data.").is_some_and(|rest| !rest.is_empty());
        if !leads_somewhere || path.len() > LONGEST || path.split('.').any(str::is_empty) {
            return Err(format!("must be `subject`, or `data.` and names joined by dots, of at most {LONGEST} bytes"));
        }
        let Value::Array(values) = values else { return Err("must be a list of values".to_owned()) };
        if values.is_empty() || values.len() > MOST_VALUES {
            return Err(format!("must be 1 to {MOST_VALUES} values, not {}", values.len()));
        }
        let fits = |value: &Value| match value {
            Value::String(text) => text.len() <= LONGEST,
            Value::Array(_) | Value::Object(_) => false,
            _ => true,
        };
        match values.iter().all(fits) {
            true => Ok(values),
            false => Err(format!("values must be strings of at most {LONGEST} bytes, numbers, true, false or null")),
        }
    }

    /// The filter that a store kept as [`to_json`](Self::to_json).
    pub fn stored(json: &str) -> Option<Self> {
        Self::parse(serde_json::from_str(json).ok()?).ok()
    }

    /// The filter as a JSON object.
    pub fn to_json(&self) -> Value {
        json!(self.0)
    }

    /// Whether it demands nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an event is wanted.
    pub fn admits(&self, event: &Event) -> bool {
        if self.is_empty() {
            return true;
        }
        let data: Value = serde_json::from_str(event.data.as_str()).unwrap_or_default();
        self.0.iter().all(|(path, values)| match path.strip_prefix("data.") {
            Some(path) => holds(path.split('.').try_fold(&data, |at, name| at.get(name)), values),
            None => values.contains(&json!(event.subject)),
        })
    }
}

fn holds(field: Option<&Value>, values: &[Value]) -> bool {
    match field {
        Some(Value::Array(items)) => items.iter().any(|item| values.contains(item)),
        Some(value) => values.contains(value),
        None => values.contains(&Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, SystemClock};
    use crate::events::{EventType, Payload};
    use crate::ids::{EventId, WorkspaceId};

    fn event(data: Value) -> Event {
        let now = SystemClock.now();
        Event {
            id: EventId::from_bytes([1; 16]),
            kind: EventType::parse("link.created").unwrap(),
            version: 1,
            created_at: now,
            workspace: WorkspaceId::from_bytes([2; 16]),
            subject: Some("lnk_1".to_owned()),
            traceparent: None,
            data: Payload::of(&data).unwrap(),
        }
    }

    fn filter(json: Value) -> FieldFilter {
        FieldFilter::stored(&json.to_string()).unwrap()
    }

    #[test]
    fn every_field_must_have_one_of_its_values() {
        let event = event(json!({"link": {"domain": "go.example", "tags": ["a", "b"], "max_clicks": 3}}));
        for (json, is_wanted) in [
            (json!({}), true),
            (json!({"subject": ["lnk_2", "lnk_1"]}), true),
            (json!({"subject": ["lnk_2"]}), false),
            (json!({"data.link.domain": ["go.example"]}), true),
            (json!({"data.link.domain": ["go.example"], "data.link.tags": ["c"]}), false),
            (json!({"data.link.tags": ["c", "b"]}), true),
            (json!({"data.link.max_clicks": [3]}), true),
            (json!({"data.link.max_clicks": ["3"]}), false),
            (json!({"data.link.title": [null]}), true),
            (json!({"data.link.domain.x": ["go.example"]}), false),
        ] {
            assert_eq!(filter(json.clone()).admits(&event), is_wanted, "{json}");
        }
    }

    #[test]
    fn what_no_field_can_be_is_refused_with_every_fault() {
        let read = |json: Value| FieldFilter::parse(json.as_object().cloned().unwrap());
        for json in [
            json!({"id": ["x"]}),
            json!({"data.": ["x"]}),
            json!({"data..a": ["x"]}),
            json!({"data.a": "x"}),
            json!({"data.a": []}),
            json!({"data.a": [{}]}),
            json!({"data.a": ["x".repeat(LONGEST + 1)]}),
        ] {
            assert!(read(json.clone()).is_err(), "{json}");
        }
        assert_eq!(read(json!({"id": ["x"], "data.a": 1})).unwrap_err().len(), 2);
        let many: Map<_, _> = (0..=MOST_FIELDS).map(|n| (format!("data.{n}"), json!([1]))).collect();
        assert!(FieldFilter::parse(many).is_err());
    }
}
