//! Claims, each read as what it must be.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Fault;

/// How far the clocks of two machines may stand apart (RFC 8725 leaves it open; a minute is the most that is usual).
pub(crate) const SKEW: Duration = Duration::from_secs(60);

/// The claims of a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claims<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Claims<'a> {
    /// A claim that is text.
    pub(crate) fn text(self, name: &'static str) -> Result<&'a str, Fault> {
        self.0.get(name).and_then(Value::as_str).ok_or(Fault::Claim(name))
    }

    /// A claim that is text, if it is there.
    pub(crate) fn optional_text(self, name: &'static str) -> Result<Option<&'a str>, Fault> {
        if self.0.contains_key(name) { self.text(name).map(Some) } else { Ok(None) }
    }

    /// A claim that is text of a kind of its own.
    pub(crate) fn parsed<T, E>(self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Fault> {
        parse(self.text(name)?).map_err(|_| Fault::Claim(name))
    }

    /// A moment in Unix seconds, if it is there (RFC 7519 §2, `NumericDate`). Text is none, whatever it says.
    pub(crate) fn moment(self, name: &'static str) -> Result<Option<Timestamp>, Fault> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value.as_f64().filter(|seconds| seconds.abs() < 1e11).ok_or(Fault::Claim(name))?;
        // Within the bound above nothing is lost.
        Timestamp::from_second(seconds.floor() as i64).map(Some).map_err(|_| Fault::Claim(name))
    }

    /// Demands the issuer.
    pub(crate) fn require_issuer(self, issuer: &str) -> Result<(), Fault> {
        if self.text("iss")? == issuer { Ok(()) } else { Err(Fault::Issuer) }
    }

    /// Demands that the token is meant for one of these and for nobody else. A list of several would be good at all of
    /// them, so whoever is sent it could use it at the others.
    pub(crate) fn require_audience(self, ours: &[&str]) -> Result<(), Fault> {
        let given = match self.0.get("aud") {
            Some(Value::String(one)) => one,
            Some(Value::Array(list)) => match list.as_slice() {
                [Value::String(one)] => one,
                [] | [_] => return Err(Fault::Claim("aud")),
                _ => return Err(Fault::Audience),
            },
            _ => return Err(Fault::Claim("aud")),
        };
        if ours.contains(&given.as_str()) { Ok(()) } else { Err(Fault::Audience) }
    }

    /// Demands an end that has not come, `leeway` beyond it allowed, and a beginning that has; answers with the end.
    pub(crate) fn require_now(self, now: Timestamp, leeway: Duration) -> Result<Timestamp, Fault> {
        let ends = self.moment("exp")?.ok_or(Fault::Claim("exp"))?;
        if ends + leeway <= now {
            return Err(Fault::Expired);
        }
        for name in ["nbf", "iat"] {
            if self.moment(name)?.is_some_and(|begins| begins > now + SKEW) {
                return Err(Fault::NotYet);
            }
        }
        Ok(ends)
    }
}
