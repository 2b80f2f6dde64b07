//! Sets of keys (RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::Value;

use super::algorithm::{Algorithm, Family};
use super::jws::Jws;
use crate::fields;

/// The most keys of a set that are looked at. Honest issuers publish three or four.
const MOST: usize = 64;
/// RSA keys of 2,048 to 8,192 bits: less is not safe (RFC 7518 §3.3), more is a way to keep us busy.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;

/// One public key, and what it may verify.
pub(super) struct Key {
    kid: Option<String>,
    family: Family,
    /// The one algorithm that it is for, where its set says so.
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

/// The keys of an issuer.
#[derive(Default)]
pub(super) struct Keys(Vec<Key>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| (&key.kid, key.family))).finish()
    }
}

impl Keys {
    /// Reads a set. Keys of other kinds and for other uses are passed over (RFC 7517 §5); `None` for a text that is no
    /// set, or has no key that can be used.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let Ok(Value::Object(mut set)) = fields::parse(text) else { return None };
        let Some(Value::Array(keys)) = set.remove("keys") else { return None };
        let keys: Vec<_> = keys.iter().take(MOST).filter_map(Key::read).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The key that the token names, if it fits the token's algorithm; for a token that names none, the only one that
    /// fits.
    pub(super) fn of(&self, token: &Jws<'_>) -> Option<&Key> {
        let mut fitting = self.0.iter().filter(|key| key.fits(token.algorithm));
        match &token.kid {
            Some(kid) => fitting.find(|key| key.kid.as_ref() == Some(kid)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
    }
}

impl Key {
    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        if value.get("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let verifies = |ops: &Value| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
        if value.get("key_ops").is_some_and(|ops| !verifies(ops)) {
            return None;
        }
        let algorithm = value.get("alg").map(|name| name.as_str().and_then(|name| Algorithm::parse(name).ok()));
        let algorithm = match algorithm {
            Some(None) => return None,
            known => known.flatten(),
        };
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let (family, key) = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let (n, e) = (bytes("n")?, bytes("e")?);
                let significant = n.iter().skip_while(|byte| **byte == 0).count();
                // A modulus is as long as its first bit says.
                let top = n.iter().find(|byte| **byte != 0).is_some_and(|byte| *byte >= 0x80);
                if !RSA_BYTES.contains(&significant) || (significant == 256 && !top) || e.len() > 8 {
                    return None;
                }
                (Family::Rsa, DecodingKey::from_rsa_components(text("n")?, text("e")?).ok()?)
            }
            ("EC", Some(curve @ ("P-256" | "P-384"))) => {
                let (family, length) = if curve == "P-256" { (Family::P256, 32) } else { (Family::P384, 48) };
                if bytes("x")?.len() != length || bytes("y")?.len() != length {
                    return None;
                }
                (family, DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?)
            }
            ("OKP", Some("Ed25519")) if bytes("x")?.len() == 32 => {
                (Family::Ed25519, DecodingKey::from_ed_components(text("x")?).ok()?)
            }
            _ => return None,
        };
        if algorithm.is_some_and(|algorithm| algorithm.family() != family) {
            return None;
        }
        Some(Self { kid: text("kid").map(str::to_owned), family, algorithm, key })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        algorithm.family() == self.family && self.algorithm.is_none_or(|own| own == algorithm)
    }

    /// Whether it signed the token.
    pub(super) fn signed(&self, token: &Jws<'_>) -> bool {
        token.algorithm.verifies(&self.key, token.signed.as_bytes(), &token.signature)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ED: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn read(key: &Value) -> bool {
        Keys::parse(json!({"keys": [key]}).to_string().as_bytes()).is_some()
    }

    fn modulus(bits: usize) -> String {
        let mut bytes = vec![0xab; bits / 8];
        bytes[0] = 0xc0;
        URL_SAFE_NO_PAD.encode(bytes)
    }

    #[test]
    fn a_key_that_is_weak_broken_or_for_something_else_is_passed_over() {
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": ED, "kid": "a"});
        let rsa = |bits| json!({"kty": "RSA", "n": modulus(bits), "e": "AQAB"});
        let with = |key: &Value, name: &str, value: Value| {
            let mut key = key.clone();
            key[name] = value;
            key
        };
        for good in [
            ed.clone(),
            with(&ed, "use", json!("sig")),
            with(&ed, "alg", json!("EdDSA")),
            with(&ed, "key_ops", json!(["verify"])),
            rsa(2_048),
            rsa(8_192),
            with(&rsa(2_048), "alg", json!("PS384")),
        ] {
            assert!(read(&good), "{good}");
        }
        for bad in [
            with(&ed, "use", json!("enc")),
            with(&ed, "use", json!(5)),
            with(&ed, "alg", json!("RS256")),
            with(&ed, "alg", json!("HS256")),
            with(&ed, "alg", json!("none")),
            with(&ed, "key_ops", json!(["sign"])),
            with(&ed, "crv", json!("X25519")),
            with(&ed, "kty", json!("EC")),
            with(&ed, "x", json!("AAAA")),
            with(&ed, "x", json!(format!("{ED}="))),
            json!({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}),
            json!({"kty": "EC", "crv": "P-256", "x": ED, "y": "AA"}),
            json!({"kty": "EC", "crv": "P-521", "x": ED, "y": ED}),
            json!({"kty": "RSA", "n": "tyMThkJ5bwl6gBInugO8LJbt3PcQLhDq6mFLwzjraQPbT2-5tb0z0SQZLkJDMrBWztXZWBU2j-Tk6_LhraxnzpJR9piJB5HPcTu_khY-KdYOn3Duw_rVFVzFLrF4hEQy3hLkrvvFzQP7HgrGHp_dBsrkj5AHR_RRm3XE2OG1B-M", "e": "AQAB"}),
            rsa(2_040),
            rsa(8_200),
            with(&rsa(2_048), "e", json!("AQABAQABAQAB")),
            // 2,041 bits in 256 bytes.
            json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([1; 256]), "e": "AQAB"}),
            json!("a key"),
        ] {
            assert!(!read(&bad), "{bad:.60}");
        }
        for text in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": [], "keys": []}"#] {
            assert!(Keys::parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
