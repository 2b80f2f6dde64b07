//! What is announced of a route on its way out.

use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// Half a year: what callers are promised between the announcement and the end.
const NOTICE: SignedDuration = SignedDuration::from_hours(24 * 182);

/// Since when a route is on its way out, until when it works, and where to read about it.
#[derive(Clone, Debug)]
pub struct Deprecation {
    since: Timestamp,
    sunset: Option<Timestamp>,
    url: Box<str>,
    link: HeaderValue,
}

/// Why a declaration is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDeprecation {
    /// The sunset comes too soon.
    #[error("a sunset is at least six months (182 days) after the deprecation")]
    TooSoon,
    /// The link cannot stand in a header.
    #[error("a deprecation's link is a URL without spaces, quotes, `<` and `>`")]
    Link,
}

impl Deprecation {
    /// Deprecated since a moment; `link` is the page that says what to use instead.
    ///
    /// # Errors
    /// [`InvalidDeprecation::Link`].
    pub fn new(since: Timestamp, link: &str) -> Result<Self, InvalidDeprecation> {
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"');
        if link.is_empty() || !link.bytes().all(plain) {
            return Err(InvalidDeprecation::Link);
        }
        let header = HeaderValue::from_str(&format!("<{link}>; rel=\"deprecation\""));
        Ok(Self { since, sunset: None, url: link.into(), link: header.map_err(|_| InvalidDeprecation::Link)? })
    }

    /// Answers with 410 from this moment on.
    ///
    /// # Errors
    /// [`InvalidDeprecation::TooSoon`].
    pub fn with_sunset(self, sunset: Timestamp) -> Result<Self, InvalidDeprecation> {
        if sunset.duration_since(self.since) < NOTICE {
            return Err(InvalidDeprecation::TooSoon);
        }
        Ok(Self { sunset: Some(sunset), ..self })
    }

    /// Since when.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// From when on it answers 410.
    pub fn sunset(&self) -> Option<Timestamp> {
        self.sunset
    }

    /// The page that says what to use instead.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.sunset.is_some_and(|sunset| sunset <= now)
    }

    /// Says so in the headers of an answer.
    pub fn stamp(&self, headers: &mut HeaderMap) {
        let since = format!("@{}", self.since.as_second());
        for (name, value) in [(DEPRECATION, Some(since)), (SUNSET, self.sunset.and_then(http_date))] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        headers.append(LINK, self.link.clone());
    }
}

/// IMF-fixdate (RFC 9110 §5.6.7); `None` beyond the years that it can write.
fn http_date(at: Timestamp) -> Option<String> {
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
}
