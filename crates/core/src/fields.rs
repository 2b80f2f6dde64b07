//! Reading untrusted JSON: strict text, then one object field by field, gathering *every* fault.
//!
//! A derived decoder stops at the first fault it meets. §3 promises the caller all of them at once, so an
//! object is taken apart here by hand: each field that is read is removed, each fault is noted under the field's own
//! path, and what remains at the end is unknown.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::{Error, Issue, Kind};

/// The deepest nesting of a request's JSON (§12).
pub const DEEPEST: usize = 64;

/// The text is not JSON, or is JSON of a kind that two parsers could read in two ways.
#[derive(Debug, thiserror::Error)]
#[error("The body is not valid JSON: {0}")]
pub struct Malformed(String);

impl From<Malformed> for Error {
    fn from(fault: Malformed) -> Self {
        Error::new(Kind::Malformed, fault.to_string())
    }
}

/// Parses one JSON text strictly (RFC 8259): no byte order mark, nothing after it, no key twice in one object (two
/// parsers would disagree on which one counts), and at most [`DEEPEST`] levels.
///
/// # Errors
/// [`Malformed`] says what and where, in line and column.
pub fn parse(text: &[u8]) -> Result<Value, Malformed> {
    let mut source = serde_json::Deserializer::from_slice(text);
    Strict { depth: 0 }
        .deserialize(&mut source)
        .and_then(|value| source.end().map(|()| value))
        .map_err(|fault| Malformed(fault.to_string()))
}

/// Builds a [`Value`], refusing double keys and deep nesting on the way.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == DEEPEST {
            return Err(E::custom(format_args!("nested deeper than {DEEPEST} levels")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut out = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut out = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if out.contains_key(&key) {
                return Err(serde::de::Error::custom(format_args!("the key {key:?} stands twice in one object")));
            }
            let value = entries.next_value_seed(inner)?;
            out.insert(key, value);
        }
        Ok(Value::Object(out))
    }
}

/// What an object says of one field: `PATCH` tells absent from `null` (RFC 7396).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// The field is not there: leave as it is.
    #[default]
    Absent,
    /// The field is `null`: remove.
    Null,
    /// The field has a value: set.
    Value(T),
}

impl<T> Field<T> {
    /// The value, where there is one; for requests in which `null` means absent.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Merges into `slot` as RFC 7396 demands.
    pub fn merge_into(self, slot: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *slot = None,
            Self::Value(value) => *slot = Some(value),
        }
    }
}

/// One untrusted object, read field by field.
///
/// ```
/// use waypost_core::fields::{Fields, parse};
///
/// let body = parse(br#"{"title": 5, "colour": "red"}"#)?;
/// let mut fields = Fields::of_body(body)?;
/// fields.text("title", |text| Ok::<_, &str>(text.to_owned()));
/// let error = fields.finish().unwrap_err();
/// let faulty: Vec<_> = error.issues().iter().map(|issue| issue.field.as_str()).collect();
/// assert_eq!(faulty, ["title", "colour"]);
/// # Ok::<(), waypost_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Fields {
    left: Map<String, Value>,
    path: String,
    issues: Vec<Issue>,
}

impl Fields {
    /// The fields of a request's body, which must be an object.
    ///
    /// # Errors
    /// [`Kind::Malformed`] for any other JSON value.
    pub fn of_body(body: Value) -> Result<Self, Error> {
        match body {
            Value::Object(left) => Ok(Self { left, path: String::new(), issues: Vec::new() }),
            other => Err(Error::new(Kind::Malformed, format!("The body must be a JSON object, not {}", kind(&other)))),
        }
    }

    /// The fields of one item of a list, whose faults stand under `path`, say `items[3]`.
    pub fn of_item(item: Value, path: &str) -> Self {
        match item {
            Value::Object(left) => Self { left, path: format!("{path}."), issues: Vec::new() },
            other => {
                let issue = Issue::new(path, format!("must be an object, not {}", kind(&other)));
                Self { left: Map::new(), path: format!("{path}."), issues: vec![issue] }
            }
        }
    }

    /// The parameters of a query string; one that stands twice is at fault.
    pub fn of_query<'a>(
        pairs: impl IntoIterator<Item = (std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>)>,
    ) -> Self {
        let mut fields = Self { left: Map::new(), path: "query.".to_owned(), issues: Vec::new() };
        for (name, value) in pairs {
            if fields.left.insert(name.clone().into_owned(), Value::String(value.into_owned())).is_some() {
                fields.fault(&name, "stands twice");
            }
        }
        fields
    }

    /// Notes a fault of the field `name`.
    pub fn fault(&mut self, name: &str, issue: impl Into<String>) {
        self.issues.push(Issue::new(format!("{}{name}", self.path), issue));
    }

    /// Takes the raw value of a field.
    pub fn take(&mut self, name: &str) -> Field<Value> {
        match self.left.remove(name) {
            None => Field::Absent,
            Some(Value::Null) => Field::Null,
            Some(value) => Field::Value(value),
        }
    }

    /// Takes a field through `read`, which says what is wrong with a value that it cannot take.
    pub fn read<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, String>) -> Field<T> {
        match self.take(name) {
            Field::Absent => Field::Absent,
            Field::Null => Field::Null,
            Field::Value(value) => match read(value) {
                Ok(value) => Field::Value(value),
                Err(issue) => {
                    self.fault(name, issue);
                    Field::Absent
                }
            },
        }
    }

    /// Takes a string through `parse`.
    pub fn text<T, E: ToString>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Field<T> {
        self.read(name, |value| match value {
            Value::String(text) => parse(&text).map_err(|fault| fault.to_string()),
            other => Err(format!("must be a string, not {}", kind(&other))),
        })
    }

    /// Takes a whole number within `range`.
    pub fn whole(&mut self, name: &str, range: std::ops::RangeInclusive<u64>) -> Field<u64> {
        self.read(name, |value| {
            value
                .as_u64()
                .filter(|number| range.contains(number))
                .ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// Takes `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Field<bool> {
        self.read(name, |value| value.as_bool().ok_or_else(|| format!("must be true or false, not {}", kind(&value))))
    }

    /// Takes a time in RFC 3339, to the microsecond: what is finer would be neither kept nor shown.
    pub fn time(&mut self, name: &str) -> Field<jiff::Timestamp> {
        self.text(name, |text| {
            let time = text.parse::<jiff::Timestamp>();
            let time = time.and_then(|time| jiff::Timestamp::from_microsecond(time.as_microsecond()));
            time.map_err(|_| "must be a time as in RFC 3339, like 2030-01-31T12:00:00Z, before 9999-12-30T22:00:00Z")
        })
    }

    /// Whether any fault has been noted.
    pub fn is_faulty(&self) -> bool {
        !self.issues.is_empty()
    }

    /// Whether a fault of the field `name` has been noted, or one of the whole object.
    pub fn is_at_fault(&self, name: &str) -> bool {
        let (whole, field) = (self.path.trim_end_matches('.'), format!("{}{name}", self.path));
        self.issues.iter().any(|issue| issue.field == field || issue.field == whole)
    }

    /// Ends the reading: what is left is unknown. Gives every fault that was noted.
    pub fn into_issues(mut self) -> Vec<Issue> {
        let unknown: Vec<_> = std::mem::take(&mut self.left).into_iter().map(|(name, _)| name).collect();
        for name in unknown {
            self.fault(&name, "is not a field that is known here");
        }
        self.issues
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Kind::Invalid`] with every fault, unknown fields included.
    pub fn finish(self) -> Result<(), Error> {
        let issues = self.into_issues();
        if issues.is_empty() { Ok(()) } else { Err(Error::invalid(issues)) }
    }
}

/// A JSON value's type in words.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_two_parsers_could_read_in_two_ways_is_refused() {
        let deep = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for text in [
            "",
            "{",
            r#"{"a": 1"#,
            r#"{"a": 1} {}"#,
            r#"{"a": 1, "a": 2}"#,
            r#"{"x": {"a": 1, "a": 1}}"#,
            "\u{feff}{}",
            "NaN",
            r#""\ud800""#,
            "{'a': 1}",
            "[1,]",
            &deep(DEEPEST + 1),
            &deep(100_000),
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:.40}");
        }
        assert!(parse(b"\"\xff\"").is_err(), "broken UTF-8");
        assert!(parse(deep(DEEPEST).as_bytes()).is_ok());
    }

    #[test]
    fn every_fault_is_told_under_its_path() {
        let item = parse(br#"{"n": -1, "flag": "yes", "at": "tomorrow", "extra": null}"#).unwrap();
        let mut fields = Fields::of_item(item, "items[3]");
        fields.whole("n", 1..=9);
        fields.flag("flag");
        fields.time("at");
        let paths: Vec<_> = fields.into_issues().into_iter().map(|issue| issue.field).collect();
        assert_eq!(paths, ["items[3].n", "items[3].flag", "items[3].at", "items[3].extra"]);
    }

    #[test]
    fn null_and_absent_differ() {
        let mut slots = (Some(1), Some(2), Some(3));
        let mut fields = Fields::of_body(parse(br#"{"b": null, "c": 9}"#).unwrap()).unwrap();
        fields.whole("a", 0..=9).merge_into(&mut slots.0);
        fields.whole("b", 0..=9).merge_into(&mut slots.1);
        fields.whole("c", 0..=9).merge_into(&mut slots.2);
        assert_eq!(slots, (Some(1), None, Some(9)));
    }
}
