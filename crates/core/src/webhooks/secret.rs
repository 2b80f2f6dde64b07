//! The secrets that deliveries are signed with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::entropy::Entropy;

/// How a secret's text begins (Standard Webhooks 1.0).
const PREFIX: &str = "whsec_";
/// 256 bits, within the 24 to 64 bytes of the standard.
const BYTES: usize = 32;

/// A secret that a receiver shares with the platform: 24 to 64 bytes.
pub struct WebhookSecret(Vec<u8>);

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// It begins otherwise.
    #[error("must begin with `whsec_`")]
    Prefix,
    /// What follows is not base64.
    #[error("must be base64 after `whsec_`")]
    Encoding,
    /// It has another length.
    #[error("must be 24 to 64 bytes")]
    Length,
}

impl WebhookSecret {
    /// Draws a secret of 256 bits.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = vec![0; BYTES];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// Reads a secret's text.
    ///
    /// # Errors
    /// [`InvalidSecret`] names what is wrong, and never shows the text.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(InvalidSecret::Prefix)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| InvalidSecret::Encoding)?;
        Self::from_bytes(bytes)
    }

    /// The secret of these bytes.
    ///
    /// # Errors
    /// [`InvalidSecret::Length`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, InvalidSecret> {
        match bytes.len() {
            24..=64 => Ok(Self(bytes)),
            _ => Err(InvalidSecret::Length),
        }
    }

    /// The text, to be shown once.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// The bytes, to sign with.
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

/// A secret as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// The sealed bytes, bound to the endpoint's id.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it stops being used, once another has taken its place.
    pub ends_at: Option<Timestamp>,
}

impl SealedSecret {
    /// Whether deliveries are signed with it at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }

    /// Secrets as a JSON text, for stores: sealed as they are.
    pub fn to_json(secrets: &[Self]) -> String {
        let one = |secret: &Self| {
            let ends_at = secret.ends_at.map(Timestamp::as_microsecond);
            json!({"sealed": STANDARD.encode(&secret.sealed), "made_at": secret.made_at.as_microsecond(), "ends_at": ends_at})
        };
        Value::from_iter(secrets.iter().map(one)).to_string()
    }

    /// The secrets that a store kept as [`to_json`](Self::to_json).
    pub fn stored(json: &str) -> Option<Vec<Self>> {
        let items: Vec<Value> = serde_json::from_str(json).ok()?;
        let one = |item: &Value| {
            let ends_at = match &item["ends_at"] {
                Value::Null => None,
                micros => Some(Timestamp::from_microsecond(micros.as_i64()?).ok()?),
            };
            Some(Self {
                sealed: STANDARD.decode(item["sealed"].as_str()?).ok()?,
                made_at: Timestamp::from_microsecond(item["made_at"].as_i64()?).ok()?,
                ends_at,
            })
        };
        items.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_secrets_text_is_read_back_and_what_is_wrong_is_named() {
        let secret = WebhookSecret::generate(&SeededEntropy::new(1));
        assert_eq!(WebhookSecret::parse(&secret.expose()).unwrap().expose_bytes(), secret.expose_bytes());
        let fault = |text: &str| WebhookSecret::parse(text).unwrap_err();
        assert_eq!(fault("whpk_AAAA"), InvalidSecret::Prefix);
        assert_eq!(fault("whsec_%%"), InvalidSecret::Encoding);
        assert_eq!(fault("whsec_AAAA"), InvalidSecret::Length);
        assert!(!format!("{secret:?}").contains(&secret.expose()));
    }

    #[test]
    fn sealed_secrets_come_back_from_a_store() {
        let made_at = Timestamp::from_microsecond(1_234_567).unwrap();
        let secrets = [None, Some(made_at)].map(|ends_at| SealedSecret { sealed: vec![0, 255, 7], made_at, ends_at });
        assert_eq!(SealedSecret::stored(&SealedSecret::to_json(&secrets)).as_deref(), Some(&secrets[..]));
        assert!(secrets[0].is_live(Timestamp::MAX) && !secrets[1].is_live(made_at));
        assert_eq!(SealedSecret::stored("{}"), None);
    }
}
