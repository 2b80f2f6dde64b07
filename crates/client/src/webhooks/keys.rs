//! What deliveries are verified with.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::{Choice, ConstantTimeEq as _};
use waypost_core::webhooks::{InvalidSecret, WebhookSecret, sign};

/// The most keys of a verifier: each secret costs one pass over the body. An endpoint has at most 5 secrets at a time, and
/// the platform publishes 3 public keys.
pub const MOST_KEYS: usize = 16;

/// How a public key's text begins (Standard Webhooks 1.0).
const PUBLIC: &str = "whpk_";
/// How the text of a key that signs begins, which is none of a receiver's.
const PRIVATE: &str = "whsk_";

/// Why a text is no key; shows nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// It begins otherwise.
    #[error("must begin with `whsec_` (the endpoint's secret) or `whpk_` (a public key of the platform)")]
    Prefix,
    /// It is a key that signs.
    #[error("is a key that signs (`whsk_`); a receiver verifies with the public one (`whpk_`)")]
    Private,
    /// What follows the prefix is not base64.
    #[error("must be base64 after its prefix; is it the whole text?")]
    Encoding,
    /// It has another length.
    #[error("has a wrong length: a secret is 24 to 64 bytes, a public key 32; is it the whole text?")]
    Length,
}

/// Why no verifier can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// A text is no key.
    #[error("key {number} {fault}")]
    Fault {
        /// Which, counted from 1.
        number: usize,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// There is none, and nothing could ever be verified.
    #[error("no key was given: give the secret that the registration of the endpoint showed")]
    None,
    /// There are more than [`MOST_KEYS`].
    #[error("more than {MOST_KEYS} keys were given: drop those that are no longer in use")]
    TooMany,
}

/// The keys of a verifier.
#[derive(Debug, Default)]
pub(super) struct Keys {
    secrets: Vec<WebhookSecret>,
    public: Vec<UnparsedPublicKey<[u8; 32]>>,
}

impl Keys {
    pub(super) fn read<K: AsRef<str>>(texts: impl IntoIterator<Item = K>) -> Result<Self, InvalidKey> {
        let mut keys = Self::default();
        for (at, text) in texts.into_iter().enumerate() {
            if at == MOST_KEYS {
                return Err(InvalidKey::TooMany);
            }
            keys.add(text.as_ref().trim()).map_err(|fault| InvalidKey::Fault { number: at + 1, fault })?;
        }
        if keys.secrets.is_empty() && keys.public.is_empty() {
            return Err(InvalidKey::None);
        }
        Ok(keys)
    }

    fn add(&mut self, text: &str) -> Result<(), KeyFault> {
        if text.starts_with(PRIVATE) {
            return Err(KeyFault::Private);
        }
        let Some(encoded) = text.strip_prefix(PUBLIC) else {
            let secret = WebhookSecret::parse(text).map_err(|fault| match fault {
                InvalidSecret::Prefix => KeyFault::Prefix,
                InvalidSecret::Encoding => KeyFault::Encoding,
                InvalidSecret::Length => KeyFault::Length,
            })?;
            self.secrets.push(secret);
            return Ok(());
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyFault::Encoding)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyFault::Length)?;
        self.public.push(UnparsedPublicKey::new(&ED25519, bytes));
        Ok(())
    }

    /// Whether signatures of this version can be checked.
    pub(super) fn know(&self, version: &str) -> bool {
        match version {
            "v1" => !self.secrets.is_empty(),
            "v1a" => !self.public.is_empty(),
            _ => false,
        }
    }

    /// Whether one of `signatures`, each a version and its base64, is one of `content` by one of the keys. Takes the same
    /// time whichever it is, and whether there is one.
    pub(super) fn signed(&self, content: &[u8], signatures: &[(&str, &str)]) -> bool {
        let mut found = Choice::from(0);
        for secret in &self.secrets {
            let expected = sign(secret, content);
            let (_, expected) = expected.split_once(',').unwrap_or_default();
            for (_, given) in signatures.iter().filter(|(version, _)| *version == "v1") {
                found |= expected.as_bytes().ct_eq(given.as_bytes());
            }
        }
        for (_, given) in signatures.iter().filter(|(version, _)| *version == "v1a") {
            let given = STANDARD.decode(given).unwrap_or_default();
            for key in &self.public {
                found |= Choice::from(u8::from(key.verify(content, &given).is_ok()));
            }
        }
        found.into()
    }
}
