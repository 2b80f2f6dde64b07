//! Idempotency keys and request fingerprints.

use std::fmt;

use sha2::{Digest, Sha256};

/// Why a header value is not an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdempotencyKey {
    /// Nothing there.
    #[error("must not be empty")]
    Empty,
    /// More than 255 characters.
    #[error("must be at most 255 characters")]
    TooLong,
    /// A character that is not visible ASCII.
    #[error("must be visible ASCII characters")]
    Character,
    /// A quoted string that RFC 8941 §3.3.3 does not allow.
    #[error("must be a quoted string as in RFC 8941, or the bare key")]
    Quoting,
}

/// A client's name for one logical request: 1 to 255 visible ASCII characters.
///
/// The draft's string `"abc"` and the bare `abc`, as most clients send it, are the same key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// Reads the value of the header `Idempotency-Key`.
    ///
    /// # Errors
    /// [`InvalidIdempotencyKey`] names the rule that it breaks.
    pub fn parse(value: &[u8]) -> Result<Self, InvalidIdempotencyKey> {
        let value = value.trim_ascii();
        let key = match value.strip_prefix(b"\"") {
            Some(rest) => unquote(rest)?,
            None => value.to_vec(),
        };
        match key.len() {
            0 => return Err(InvalidIdempotencyKey::Empty),
            256.. => return Err(InvalidIdempotencyKey::TooLong),
            _ => {}
        }
        if !key.iter().all(u8::is_ascii_graphic) {
            return Err(InvalidIdempotencyKey::Character);
        }
        String::from_utf8(key).map(|key| Self(key.into())).map_err(|_| InvalidIdempotencyKey::Character)
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The characters of a quoted string (RFC 8941 §4.2.5), whose opening quote is gone already.
fn unquote(rest: &[u8]) -> Result<Vec<u8>, InvalidIdempotencyKey> {
    let mut key = Vec::new();
    let mut bytes = rest.iter();
    loop {
        match bytes.next() {
            Some(b'"') if bytes.as_slice().is_empty() => return Ok(key),
            Some(b'\\') => match bytes.next() {
                Some(escaped @ (b'"' | b'\\')) => key.push(*escaped),
                _ => return Err(InvalidIdempotencyKey::Quoting),
            },
            Some(b'"') | None => return Err(InvalidIdempotencyKey::Quoting),
            Some(byte) => key.push(*byte),
        }
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// What a request asked for: SHA-256 over its parts, so that a key that is used again for something else is noticed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a request. The parts are fenced off by their lengths, so no two requests run together.
    pub fn of(method: &str, path: &str, query: &str, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [method.as_bytes(), path.as_bytes(), query.as_bytes(), body] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The bytes for a store.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The fingerprint that a store kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_bare_are_the_same_key() {
        let bare = IdempotencyKey::parse(b"8e03978e-40d5").unwrap();
        assert_eq!(IdempotencyKey::parse(b"\"8e03978e-40d5\""), Ok(bare.clone()));
        assert_eq!(IdempotencyKey::parse(b" 8e03978e-40d5 "), Ok(bare));
        assert_eq!(IdempotencyKey::parse(br#""a\"b\\""#).unwrap().as_str(), r#"a"b\"#);
    }

    #[test]
    fn each_refusal_names_its_rule() {
        use InvalidIdempotencyKey as Fault;
        for (value, fault) in [
            (&b""[..], Fault::Empty),
            (b"  ", Fault::Empty),
            (b"\"\"", Fault::Empty),
            (&[b'k'; 256], Fault::TooLong),
            (b"a b", Fault::Character),
            (b"\"a b\"", Fault::Character),
            (b"caf\xc3\xa9", Fault::Character),
            (b"\"open", Fault::Quoting),
            (b"\"a\"b", Fault::Quoting),
            (b"\"a\\n\"", Fault::Quoting),
        ] {
            assert_eq!(IdempotencyKey::parse(value), Err(fault), "{value:?}");
        }
        assert!(IdempotencyKey::parse(&[b'k'; 255]).is_ok());
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(Fingerprint::of("POST", "/a", "", b"b"), Fingerprint::of("POST", "/", "", b"ab"));
        assert_ne!(Fingerprint::of("POST", "/a", "b", b""), Fingerprint::of("POST", "/a", "", b"b"));
    }
}
