//! The name of a request: in `X-Request-Id`, in errors and in the log.
//!
//! A caller's own id is kept if it is 1 to 128 of `[A-Za-z0-9._-]`; anything else is replaced, so that nothing a caller
//! sends can break a log line apart.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use waypost_core::entropy::Entropy;
use waypost_core::ids::RequestId;

/// The header.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 128;

/// A request's id, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestTag(HeaderValue);

impl RequestTag {
    /// A fresh id of this moment. Plain and cheap: the redirect's path calls it too.
    pub fn fresh(now: Timestamp, entropy: &dyn Entropy) -> Self {
        let text = RequestId::fresh(now, entropy).to_text();
        Self(HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("req_0")))
    }

    /// The caller's own id, if there is one and it may be kept.
    pub fn kept(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(X_REQUEST_ID).iter();
        let value = values.next()?;
        let letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let text = value.as_bytes();
        let fits = (1..=LONGEST).contains(&text.len()) && text.iter().all(letter) && values.next().is_none();
        fits.then(|| Self(value.clone()))
    }

    /// The caller's own id, else a fresh one.
    pub fn of(headers: &HeaderMap, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self::kept(headers).unwrap_or_else(|| Self::fresh(now, entropy))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id as the value of a header.
    pub fn header(&self) -> &HeaderValue {
        &self.0
    }

    /// The id as the value of a header, without a copy.
    pub fn into_header(self) -> HeaderValue {
        self.0
    }
}

impl fmt::Display for RequestTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use waypost_core::entropy::{OsEntropy, SeededEntropy};

    use super::*;

    fn kept(value: &[u8]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(value).unwrap());
        let tag = RequestTag::of(&headers, Timestamp::UNIX_EPOCH, &SeededEntropy::new(1));
        assert!(tag.as_str().as_bytes() == value || tag.as_str().starts_with("req_"));
        tag.as_str().as_bytes() == value
    }

    #[test]
    fn a_callers_id_is_kept_only_in_the_strict_form() {
        assert!(kept(b"a") && kept(b"Ab9._-") && kept(&[b'x'; 128]));
        for bad in [&b""[..], &[b'x'; 129], b"a b", b"a\tb", b"a;b", b"{}", "é".as_bytes(), b"a\"b", b"a,b"] {
            assert!(!kept(bad), "{bad:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append(X_REQUEST_ID, HeaderValue::from_static("a"));
        twice.append(X_REQUEST_ID, HeaderValue::from_static("b"));
        assert!(RequestTag::kept(&twice).is_none(), "two ids are none");
    }

    #[test]
    fn a_fresh_id_is_a_typed_id() {
        let (a, b) = [(); 2].map(|()| RequestTag::fresh(Timestamp::UNIX_EPOCH, &OsEntropy)).into();
        assert!(RequestId::parse(a.as_str()).is_ok() && a != b);
    }
}
