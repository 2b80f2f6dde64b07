//! Secrets that are shown once: their text, and the hash that is kept of it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::entropy::Entropy;

/// Base 58, as in slugs: a double click selects the whole text, and no two letters look alike.
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// 44 letters of 58 hold 257 bits.
pub(super) const RANDOM: usize = 44;
/// Letters that check the rest.
pub(super) const CHECK: usize = 6;

/// Adds `RANDOM` random letters to a text.
pub(super) fn draw(text: &mut String, entropy: &dyn Entropy) {
    let mut bytes = [0; RANDOM];
    let mut drawn = 0;
    while drawn < RANDOM {
        entropy.fill(&mut bytes);
        let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
        for letter in letters.take(RANDOM - drawn) {
            text.push(char::from(*letter));
            drawn += 1;
        }
    }
}

/// The letters that check a text.
pub(super) fn check(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(CHECK).map(|byte| char::from(ALPHABET[usize::from(*byte) % 58])).collect()
}

/// What a secret is for. Its text begins with it, so that people and secret scanners know what they see, and no kind
/// stands in for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// The `client_secret` of an OAuth client.
    Client,
    /// A browser's session, in its cookie.
    Session,
    /// An authorization code.
    Code,
    /// A refresh token.
    Refresh,
    /// A ticket that opens one live stream.
    Ticket,
}

impl SecretKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Client, Self::Session, Self::Code, Self::Refresh, Self::Ticket];

    /// The name under which a store keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Session => "session",
            Self::Code => "code",
            Self::Refresh => "refresh",
            Self::Ticket => "ticket",
        }
    }

    /// Reads a name that a store kept.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What the text begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Client => "wp_secret_",
            Self::Session => "wp_session_",
            Self::Code => "wp_code_",
            Self::Refresh => "wp_refresh_",
            Self::Ticket => "wp_tkt_",
        }
    }
}

/// The text of a secret: its kind, 44 random letters, and 6 letters that check the rest.
///
/// It is shown once, when it is made. What is kept is [`SecretHash`].
#[derive(Clone)]
pub struct SecretText(Box<str>);

impl SecretText {
    /// Draws a new one.
    pub fn generate(kind: SecretKind, entropy: &dyn Entropy) -> Self {
        let mut text = kind.prefix().to_owned();
        draw(&mut text, entropy);
        text.push_str(&check(&text));
        Self(text.into())
    }

    /// The one that follows `before`: always the same, and to be found by nobody without `key`. So one who asks twice
    /// with the same text, since the first answer got lost, is given the same answer, and no store keeps a text.
    pub fn after(kind: SecretKind, before: &Self, key: &[u8; 32]) -> Self {
        let mut text = kind.prefix().to_owned();
        let mut block = 0u8;
        let mut drawn = 0;
        while drawn < RANDOM {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
            mac.update(before.0.as_bytes());
            mac.update(&[block]);
            let bytes = mac.finalize().into_bytes();
            let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
            for letter in letters.take(RANDOM - drawn) {
                text.push(char::from(*letter));
                drawn += 1;
            }
            block = block.wrapping_add(1);
        }
        text.push_str(&check(&text));
        Self(text.into())
    }

    /// Takes a text that was shown to us; `None` for another kind, and for one whose check letters are wrong, before
    /// any store is asked.
    pub fn parse(kind: SecretKind, text: &str) -> Option<Self> {
        let rest = text.strip_prefix(kind.prefix())?;
        if rest.len() != RANDOM + CHECK || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let (checked, letters) = text.split_at(text.len() - CHECK);
        (check(checked) == letters).then(|| Self(text.into()))
    }

    /// What is kept of it. The text has 256 bits of randomness, so one plain hash is enough.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The text itself, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// The SHA-256 of a secret's text.
#[allow(clippy::derived_hash_with_manual_eq, reason = "the same bytes are equal, only that it takes a constant time")]
#[derive(Clone, Copy, Hash, PartialOrd, Ord)]
pub struct SecretHash(pub [u8; 32]);

impl PartialEq for SecretHash {
    /// In constant time, where two are compared rather than looked up.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_secret_is_taken_as_its_own_kind_alone() {
        let entropy = SeededEntropy::new(3);
        for kind in SecretKind::ALL {
            assert_eq!(SecretKind::from_name(kind.as_str()), Some(kind));
            let text = SecretText::generate(kind, &entropy);
            for other in SecretKind::ALL {
                assert_eq!(SecretText::parse(other, text.expose()).is_some(), other == kind);
            }
            let mut typo = text.expose().to_owned().into_bytes();
            typo[20] = if typo[20] == b'x' { b'y' } else { b'x' };
            assert!(SecretText::parse(kind, std::str::from_utf8(&typo).unwrap()).is_none());
        }
    }

    #[test]
    fn what_follows_is_always_the_same_and_hangs_on_the_key() {
        let before = SecretText::generate(SecretKind::Refresh, &SeededEntropy::new(3));
        let after = |key| SecretText::after(SecretKind::Refresh, &before, &key);
        assert_eq!(after([1; 32]).expose(), after([1; 32]).expose());
        assert_ne!(after([1; 32]).expose(), after([2; 32]).expose());
        assert!(SecretText::parse(SecretKind::Refresh, after([1; 32]).expose()).is_some());
        assert_eq!(format!("{before:?} {:?}", before.hash()), "SecretText(..) SecretHash(..)");
    }
}
