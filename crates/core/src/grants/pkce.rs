//! Proof Key for Code Exchange (RFC 7636), by S256 alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A `code_challenge` made with `S256`: the SHA-256 of the verifier.
///
/// `plain` is not there: it protects from nobody who sees the request (RFC 9700 §2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge([u8; 32]);

/// The text is no challenge or verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be made with S256: 43 characters of base64url, of a verifier of 43 to 128 unreserved characters")]
pub struct InvalidPkce;

impl Challenge {
    /// The one method.
    pub const METHOD: &str = "S256";

    /// Reads a `code_challenge` (RFC 7636 §4.2).
    ///
    /// # Errors
    /// [`InvalidPkce`] tells the form.
    pub fn parse(text: &str) -> Result<Self, InvalidPkce> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidPkce)?;
        bytes.try_into().map(Self).map_err(|_| InvalidPkce)
    }

    /// The challenge of a `code_verifier` (RFC 7636 §4.1, §4.2).
    ///
    /// # Errors
    /// [`InvalidPkce`] tells the form.
    pub fn of_verifier(verifier: &str) -> Result<Self, InvalidPkce> {
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(is_unreserved) {
            return Err(InvalidPkce);
        }
        Ok(Self(Sha256::digest(verifier.as_bytes()).into()))
    }

    /// The bytes of the hash.
    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifiers_and_challenges_are_those_of_the_standard() {
        // RFC 7636 appendix B.
        let verifier = Challenge::of_verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert_eq!(Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), Ok(verifier));
        for text in ["", "short", &"a".repeat(42), &"a".repeat(129), "dBjftJeZ4CVP mB92K27uhbUJU1p1r_wW1gFWFOEjXk"] {
            assert!(Challenge::of_verifier(text).is_err(), "{text}");
        }
        for text in ["", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw"] {
            assert!(Challenge::parse(text).is_err(), "{text}");
        }
    }
}
