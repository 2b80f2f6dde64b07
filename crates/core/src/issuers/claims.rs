//! The claims that every kind of token must get right (RFC 7519 §4.1).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::flaw::Flaw;

/// By how much clocks may differ: 60 s, the most that is ever needed among machines that keep their time.
pub(crate) const SKEW: Duration = Duration::from_secs(60);

/// Claims of a token whose signature was checked.
#[derive(Debug)]
pub(crate) struct Claims(pub(crate) Map<String, Value>);

impl Claims {
    /// A claim that is a string; `None` where it is missing.
    ///
    /// # Errors
    /// [`Flaw::Claim`] for another kind of value.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, Flaw> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Flaw::Claim(name)),
        }
    }

    /// A claim that must be a string with something in it, of at most 1,024 bytes.
    pub(crate) fn must(&self, name: &'static str) -> Result<&str, Flaw> {
        let text = self.text(name)?.filter(|text| (1..=1_024).contains(&text.len()));
        text.ok_or(Flaw::Claim(name))
    }

    fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Flaw> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let flaw = Flaw::Claim(name);
        // RFC 7519 §2: a number of seconds, which may have a fraction. No text is a number.
        let seconds = value.as_f64().filter(|seconds| seconds.is_finite()).ok_or(flaw)?;
        // Saturates: a time that lies out of reach is refused just below.
        #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second decides nothing")]
        let whole = seconds.floor() as i64;
        Timestamp::from_second(whole).map(Some).map_err(|_| flaw)
    }

    /// Checks `exp`, `nbf` and `iat`; answers when it ends.
    pub(crate) fn check_times(&self, now: Timestamp) -> Result<Timestamp, Flaw> {
        let later = now + SKEW;
        let expires = self.time("exp")?.ok_or(Flaw::Claim("exp"))?;
        if self.time("nbf")?.is_some_and(|from| from > later) {
            return Err(Flaw::NotYet);
        }
        if self.time("iat")?.is_some_and(|at| at > later) {
            return Err(Flaw::IssuedAhead);
        }
        if expires.saturating_add(SKEW).unwrap_or(Timestamp::MAX) <= now {
            return Err(Flaw::Expired);
        }
        Ok(expires)
    }

    /// Demands `iat`.
    pub(crate) fn must_be_dated(&self) -> Result<(), Flaw> {
        self.time("iat")?.map(|_| ()).ok_or(Flaw::Claim("iat"))
    }

    /// Whom it is meant for: one text, or a list of texts.
    pub(crate) fn audiences(&self) -> Result<Vec<&str>, Flaw> {
        let flaw = Flaw::Claim("aud");
        match self.0.get("aud") {
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(many)) if many.len() <= 64 => many.iter().map(|one| one.as_str().ok_or(flaw)).collect(),
            _ => Err(flaw),
        }
    }
}
