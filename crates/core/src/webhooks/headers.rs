//! Headers that an endpoint's owner adds to its deliveries.

use serde_json::{Map, Value, json};

/// The most headers of an endpoint.
pub(super) const MOST_HEADERS: usize = 16;
/// The longest name, in bytes.
const LONGEST_NAME: usize = 64;
/// The longest value, in bytes.
const LONGEST_VALUE: usize = 1_024;
/// What the platform sets itself, what a connection is steered by (RFC 9110 §7.6.1), and what would let a delivery speak
/// for somebody else.
const RESERVED: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "waypost-principal",
];
/// Headers of the standard, and those that proxies believe.
const RESERVED_BEGINNINGS: &[&str] = &["webhook-", "x-forwarded-", "x-real-", "proxy-", "sec-"];

/// Names and values, in the order of their names.
///
/// They are kept and shown as they were given: what must stay secret belongs elsewhere, since a receiver knows a delivery by
/// its signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomHeaders(Vec<(String, String)>);

impl CustomHeaders {
    /// Reads an object of names and values. Names are brought to lower case.
    ///
    /// # Errors
    /// Every fault, with the name that it was found at.
    pub fn parse(object: Map<String, Value>) -> Result<Self, Vec<(String, String)>> {
        let mut faults = Vec::new();
        if object.len() > MOST_HEADERS {
            faults.push((String::new(), format!("must be at most {MOST_HEADERS} headers")));
        }
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in object {
            let lower = name.to_ascii_lowercase();
            match check(&lower, &value) {
                Ok(_) if headers.iter().any(|(known, _)| *known == lower) => {
                    faults.push((name, "stands twice".to_owned()));
                }
                Ok(value) => headers.push((lower, value)),
                Err(fault) => faults.push((name, fault)),
            }
        }
        headers.sort();
        if faults.is_empty() { Ok(Self(headers)) } else { Err(faults) }
    }

    /// The headers that a store kept as [`to_json`](Self::to_json).
    pub fn stored(json: &str) -> Option<Self> {
        Self::parse(serde_json::from_str(json).ok()?).ok()
    }

    /// The headers as a JSON object.
    pub fn to_json(&self) -> Value {
        self.0.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>().into()
    }

    /// Each name with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn check(name: &str, value: &Value) -> Result<String, String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_token) {
        return Err(format!("is not the name of a header (RFC 9110 §5.6.2) of at most {LONGEST_NAME} characters"));
    }
    if RESERVED.contains(&name) || RESERVED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)) {
        return Err("is set by the platform or steers the connection, and cannot be chosen".to_owned());
    }
    let Value::String(text) = value else { return Err("must be a string".to_owned()) };
    // No control characters, so nothing can end the line and begin another header (RFC 9110 §5.5).
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.trim() == text;
    match is_plain && text.len() <= LONGEST_VALUE {
        true => Ok(text.clone()),
        false => Err(format!("must be at most {LONGEST_VALUE} printable ASCII characters, without blanks at the ends")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: Value) -> Result<CustomHeaders, Vec<(String, String)>> {
        CustomHeaders::parse(json.as_object().cloned().unwrap())
    }

    #[test]
    fn names_are_brought_to_lower_case_and_come_back_from_a_store() {
        let headers = read(json!({"X-Team": "links", "X-Env": "a b"})).unwrap();
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("x-env", "a b"), ("x-team", "links")]);
        assert_eq!(CustomHeaders::stored(&headers.to_json().to_string()), Some(headers));
    }

    #[test]
    fn nothing_gets_in_that_could_speak_for_the_platform_or_begin_another_header() {
        for name in [
            "",
            "a b",
            "a:b",
            "Host",
            "content-length",
            "Webhook-Id",
            "WEBHOOK-SIGNATURE",
            "X-Forwarded-For",
            "Cookie",
            "Transfer-Encoding",
            "traceparent",
            "a\r\nb",
            "\u{e4}",
            &"x".repeat(LONGEST_NAME + 1),
        ] {
            assert!(read(json!({name: "x"})).is_err(), "{name:?}");
        }
        for value in [json!("a\r\nx: y"), json!("a\nb"), json!("\u{0}"), json!("\u{e4}"), json!(" a"), json!(7)] {
            assert!(read(json!({"x-a": value.clone()})).is_err(), "{value}");
        }
        assert!(read(json!({"X-A": "1", "x-a": "2"})).is_err());
    }
}
