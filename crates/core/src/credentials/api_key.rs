//! API keys.

use std::fmt;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::secret::{CHECK, RANDOM, check, draw};
use super::{Actor, PlanName, Principal, Scopes};
use crate::entropy::Entropy;
use crate::ids::{KeyId, WorkspaceId};

/// What the text of a key begins with, so that people and secret scanners know what they see.
const PREFIX: &str = "wp_live_";
const ID: usize = 26;

/// The text of an API key: `wp_live_`, the key's id, 44 random letters, and 6 letters that check the rest.
///
/// It is shown once, when the key is made. What is kept is [`KeyHash`].
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyText(Box<str>);

impl ApiKeyText {
    /// Draws the text of a new key.
    pub fn generate(id: KeyId, entropy: &dyn Entropy) -> Self {
        let mut text = format!("{PREFIX}{}", &id.to_string()[KeyId::PREFIX.len() + 1..]);
        draw(&mut text, entropy);
        text.push_str(&check(&text));
        Self(text.into())
    }

    /// Takes a text that was shown to us. A key of our own form whose check letters are wrong is refused here, before
    /// any store is asked; a key of another form is one that an operator chose.
    pub fn parse(text: &str) -> Option<Self> {
        if !(16..=256).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let ours = text.starts_with(PREFIX) && text.len() == PREFIX.len() + ID + RANDOM + CHECK;
        if ours {
            let (rest, letters) = text.split_at(text.len() - CHECK);
            if check(rest) != letters {
                return None;
            }
        }
        Some(Self(text.into()))
    }

    /// What is kept of it. The text has 256 bits of randomness, so one plain hash is enough.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The text itself, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyText(..)")
    }
}

/// The SHA-256 of a key's text. It is what keys are looked up by, so no comparison leaks time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash(pub [u8; 32]);

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

/// An API key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// The workspace that it acts in.
    pub workspace: WorkspaceId,
    /// What its owner calls it.
    pub name: String,
    /// The hash of its text.
    pub hash: KeyHash,
    /// The last four characters of its text, to tell keys apart by.
    pub hint: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The plan that it is limited by; the common one if none is named.
    pub plan: Option<PlanName>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is void.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it is good at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }

    /// Who shows it.
    pub fn principal(&self) -> Principal {
        Principal {
            workspace: self.workspace,
            actor: Actor::Key(self.id),
            scopes: self.scopes,
            plan: self.plan.clone(),
            traceparent: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_mistyped_key_is_refused_without_a_look_up() {
        let entropy = SeededEntropy::new(9);
        let text = ApiKeyText::generate(KeyId::fresh(Timestamp::UNIX_EPOCH, &entropy), &entropy);
        assert_eq!(ApiKeyText::parse(text.expose()), Some(text.clone()));
        let mut typo = text.expose().to_owned().into_bytes();
        typo[40] = if typo[40] == b'x' { b'y' } else { b'x' };
        assert_eq!(ApiKeyText::parse(std::str::from_utf8(&typo).unwrap()), None);
    }

    #[test]
    fn an_operator_may_choose_a_key_that_is_long_enough() {
        assert!(ApiKeyText::parse("an-operators-own-key").is_some());
        assert!(ApiKeyText::parse("wp_live_chosen_by_hand").is_some());
        for text in ["short", "fifteen letters", "spaces are not allowed here", &"x".repeat(257)] {
            assert_eq!(ApiKeyText::parse(text), None, "{text:.20}");
        }
    }

    #[test]
    fn nothing_prints_a_key() {
        let text = ApiKeyText::parse("an-operators-own-key").unwrap();
        assert!(!format!("{text:?} {:?}", text.hash()).contains("operator"));
    }
}
