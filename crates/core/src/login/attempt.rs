//! An attempt to sign in.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::ReturnPath;
use crate::entropy::Entropy;
use crate::ids::TokenId;

/// Longer than any text of ours.
const LONGEST: usize = 4_096;

/// An attempt to sign in: its id, its end, and where the browser goes afterwards.
///
/// Its text is sealed with a secret of the platform (HMAC-SHA256) and kept by the browser. State, nonce and verifier are
/// made of the id and that secret, so the text gives none of them away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub(super) id: TokenId,
    pub(super) until: Timestamp,
    pub(super) return_to: ReturnPath,
}

impl Attempt {
    /// How long an attempt is good: ten minutes, in which people find their second factor.
    pub const LIFE: Duration = Duration::from_secs(600);
}

/// Seals attempts, and makes what they need.
pub(super) struct Seal([u8; 32]);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    fn made(&self, purpose: &str, of: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(of);
        mac.finalize().into_bytes().into()
    }

    pub(super) fn begin(&self, return_to: ReturnPath, now: Timestamp, entropy: &dyn Entropy) -> Attempt {
        let mut id = [0; 16];
        entropy.fill(&mut id);
        Attempt { id: TokenId::from_bytes(id), until: now + Attempt::LIFE, return_to }
    }

    /// The parameter `state`.
    pub(super) fn state(&self, attempt: &Attempt) -> String {
        URL_SAFE_NO_PAD.encode(self.made("state", &attempt.id.to_bytes()))
    }

    /// The parameter `nonce`.
    pub(super) fn nonce(&self, attempt: &Attempt) -> String {
        URL_SAFE_NO_PAD.encode(self.made("nonce", &attempt.id.to_bytes()))
    }

    /// The parameter `code_verifier` (RFC 7636 §4.1): 43 characters.
    pub(super) fn verifier(&self, attempt: &Attempt) -> String {
        URL_SAFE_NO_PAD.encode(self.made("verifier", &attempt.id.to_bytes()))
    }

    /// The parameter `code_challenge`, by S256.
    pub(super) fn challenge(&self, attempt: &Attempt) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier(attempt)))
    }

    /// The text for the browser's cookie.
    pub(super) fn text(&self, attempt: &Attempt) -> String {
        let mut bytes = attempt.id.to_bytes().to_vec();
        bytes.extend(attempt.until.as_second().to_be_bytes());
        bytes.extend(attempt.return_to.as_str().as_bytes());
        let tag = self.made("attempt", &bytes);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(bytes), URL_SAFE_NO_PAD.encode(tag))
    }

    /// The attempt of a text; `None` for one that is forged, broken, or over.
    pub(super) fn open(&self, text: &str, now: Timestamp) -> Option<Attempt> {
        if text.len() > LONGEST {
            return None;
        }
        let (bytes, tag) = text.split_once('.')?;
        let (bytes, tag) = (URL_SAFE_NO_PAD.decode(bytes).ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
        if !bool::from(self.made("attempt", &bytes)[..].ct_eq(&tag)) {
            return None;
        }
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (until, path) = rest.split_first_chunk::<8>()?;
        let until = Timestamp::from_second(i64::from_be_bytes(*until)).ok()?;
        let return_to = ReturnPath::of(std::str::from_utf8(path).ok()?);
        (until > now).then_some(Attempt { id: TokenId::from_bytes(*id), until, return_to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn an_attempt_is_taken_back_whole_and_in_time() {
        let (seal, now) = (Seal::new([1; 32]), Timestamp::from_second(1_000_000).unwrap());
        let attempt = seal.begin(ReturnPath::of("/docs"), now, &SeededEntropy::new(1));
        let text = seal.text(&attempt);
        assert_eq!(seal.open(&text, now), Some(attempt.clone()));
        assert_eq!(seal.open(&text, now + Attempt::LIFE), None, "over");
        assert_eq!(Seal::new([2; 32]).open(&text, now), None, "another platform's");
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(seal.open(std::str::from_utf8(&forged).unwrap(), now), None, "{at}");
        }
        let made = [seal.state(&attempt), seal.nonce(&attempt), seal.verifier(&attempt)];
        assert!(made.iter().all(|one| one.len() == 43 && !text.contains(one.as_str())));
        assert!(made[0] != made[1] && made[1] != made[2]);
    }
}
