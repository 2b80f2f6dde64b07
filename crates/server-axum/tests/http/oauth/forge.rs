//! Tokens that were never issued, some signed with the platform's own key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use waypost_core::clock::Clock;

use crate::harness::Server;

/// What stands before the bytes of an Ed25519 key in PKCS #8 (RFC 8410 §7).
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// An Ed25519 key of these bytes.
pub(super) fn ed_key(seed: &[u8; 32]) -> EncodingKey {
    EncodingKey::from_ed_der(&[&PKCS8[..], seed].concat())
}

/// Signs two texts, whatever they say, as header and claims.
pub(super) fn sign(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signer = (DEFAULT_PROVIDER.signer_factory)(&algorithm, key).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signer.try_sign(signed.as_bytes()).unwrap()))
}

/// Somebody who holds the key that the platform signs with: what they forge is found out by everything but the signature.
pub(super) struct Forger {
    key: EncodingKey,
    header: Value,
    claims: Value,
}

impl Forger {
    /// Takes after a token that is good.
    pub(super) async fn of(server: &Server, good: &str) -> Self {
        let period = server.clock.now().as_second().div_euclid(30 * 24 * 60 * 60);
        let seed = server.platform.credentials.secret(&format!("token-key/1/{period}")).await.unwrap();
        Self { key: ed_key(&seed), header: part(good, 0), claims: part(good, 1) }
    }

    /// The same, with other claims; `null` takes one away.
    pub(super) fn claiming(&self, other: Value) -> String {
        let mut claims = self.claims.clone();
        for (name, value) in other.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        self.sign(&self.header.to_string(), &claims.to_string())
    }

    /// The same, with another header.
    pub(super) fn heading(&self, other: Value) -> String {
        let mut header = self.header.clone();
        for (name, value) in other.as_object().unwrap() {
            header[name] = value.clone();
        }
        self.sign(&header.to_string(), &self.claims.to_string())
    }

    /// The same header and claims as text, to be tampered with.
    pub(super) fn texts(&self) -> (String, String) {
        (self.header.to_string(), self.claims.to_string())
    }

    pub(super) fn sign(&self, header: &str, claims: &str) -> String {
        sign(header, claims, &self.key, Algorithm::EdDSA)
    }

    /// Signed with HMAC under `secret`.
    pub(super) fn hmac(&self, secret: &[u8]) -> String {
        let mut header = self.header.clone();
        header["alg"] = json!("HS256");
        let key = EncodingKey::from_secret(secret);
        sign(&header.to_string(), &self.claims.to_string(), &key, Algorithm::HS256)
    }

    /// Signed with another key, under the name of the real one or another.
    pub(super) fn with_key(&self, seed: &[u8; 32], header: Value) -> String {
        let mut own = self.header.clone();
        for (name, value) in header.as_object().unwrap() {
            own[name] = value.clone();
        }
        sign(&own.to_string(), &self.claims.to_string(), &ed_key(seed), Algorithm::EdDSA)
    }
}

/// A part of a token, as JSON.
pub(super) fn part(token: &str, place: usize) -> Value {
    let text = token.split('.').nth(place).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}
