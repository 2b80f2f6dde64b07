//! The public keys of a client.

use serde_json::{Map, Value, json};

use crate::fields;
use crate::tokens::VerifyingKey;

/// The most bytes of a set, and the most keys in it: one in use, one that takes over, and room for nodes with keys of
/// their own.
const MOST_BYTES: usize = 16 * 1_024;
const MOST_KEYS: usize = 10;
/// The members that are kept. Certificates and URLs are of no use here.
const KEPT: [&str; 7] = ["kty", "crv", "x", "y", "kid", "alg", "use"];
/// The members that only a private or shared key has (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The public keys that a client's assertions are verified with: Ed25519 and P-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKeys(String);

impl ClientKeys {
    /// Reads a JWK set (RFC 7517 §5).
    ///
    /// # Errors
    /// In words for whoever sent it.
    pub fn read(set: &Value) -> Result<Self, String> {
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys.filter(|keys| (1..=MOST_KEYS).contains(&keys.len()));
        let keys = keys.ok_or_else(|| format!("must be a JWK set: {{\"keys\": […]}} with 1 to {MOST_KEYS} keys"))?;
        let mut kept: Vec<Map<String, Value>> = Vec::with_capacity(keys.len());
        for (place, key) in keys.iter().enumerate() {
            let key = keep(key).map_err(|fault| format!("keys[{place}]: {fault}"))?;
            let id = key.get("kid");
            if id.is_some() && kept.iter().any(|other| other.get("kid") == id) {
                return Err(format!("keys[{place}]: `kid` stands twice in the set"));
            }
            kept.push(key);
        }
        let text = json!({"keys": kept}).to_string();
        if text.len() > MOST_BYTES { Err(format!("must be at most {MOST_BYTES} bytes")) } else { Ok(Self(text)) }
    }

    /// Reads a JWK set from its text.
    ///
    /// # Errors
    /// In words for whoever sent it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > 4 * MOST_BYTES {
            return Err(format!("must be at most {MOST_BYTES} bytes"));
        }
        Self::read(&fields::parse(text.as_bytes()).map_err(|fault| fault.to_string())?)
    }

    /// The set, as it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The keys of a set that is kept which a token of this header may be signed with: the one that it names, or all of
    /// the algorithm where it names none.
    pub(crate) fn candidates(kept: &str, id: Option<&str>, algorithm: &str) -> Vec<VerifyingKey> {
        let set: Value = serde_json::from_str(kept).unwrap_or_default();
        let keys = set["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named = |key: &&Value| id.is_none_or(|id| key["kid"] == id);
        let verifying = |key: &Value| key.as_object().and_then(|key| VerifyingKey::of_jwk(key).ok());
        keys.iter().filter(named).filter_map(verifying).filter(|key| key.algorithm() == algorithm).collect()
    }
}

fn keep(key: &Value) -> Result<Map<String, Value>, &'static str> {
    let key = key.as_object().ok_or("must be an object")?;
    if PRIVATE.iter().any(|name| key.contains_key(*name)) {
        return Err("holds a private key, which is known to others now; make another, and send its public part alone");
    }
    let public = VerifyingKey::of_jwk(key)?;
    if key.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err("`use` must be `sig`");
    }
    if key.get("alg").is_some_and(|algorithm| algorithm != public.algorithm()) {
        return Err("`alg` must be EdDSA for Ed25519 and ES256 for P-256");
    }
    if key.get("kid").is_some_and(|id| !id.as_str().is_some_and(|id| (1..=256).contains(&id.len()))) {
        return Err("`kid` must be text of 1 to 256 bytes");
    }
    Ok(key.iter().filter(|(name, _)| KEPT.contains(&name.as_str())).map(|(n, v)| (n.clone(), v.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}"#;

    fn set(keys: &str) -> Result<ClientKeys, String> {
        ClientKeys::parse(&format!("{{\"keys\": [{keys}]}}"))
    }

    #[test]
    fn only_public_keys_of_the_two_kinds_are_taken() {
        let kept = set(ED).unwrap();
        assert_eq!(ClientKeys::candidates(kept.as_str(), Some("a"), "EdDSA").len(), 1);
        assert_eq!(ClientKeys::candidates(kept.as_str(), None, "EdDSA").len(), 1);
        assert!(ClientKeys::candidates(kept.as_str(), Some("b"), "EdDSA").is_empty());
        assert!(ClientKeys::candidates(kept.as_str(), Some("a"), "ES256").is_empty(), "a key has one algorithm");
        for (keys, says) in [
            (String::new(), "1 to 10"),
            (ED.replace("\"kid\"", "\"d\":\"x\",\"kid\""), "private"),
            (r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned(), "private"),
            (r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.to_owned(), "Ed25519"),
            (ED.replace("HURo", "HU"), "32 bytes"),
            (ED.replace("\"kid\"", "\"use\":\"enc\",\"kid\""), "sig"),
            (ED.replace("\"kid\"", "\"alg\":\"ES256\",\"kid\""), "EdDSA"),
            (format!("{ED},{ED}"), "twice"),
            ("7".to_owned(), "object"),
        ] {
            assert!(set(&keys).is_err_and(|fault| fault.contains(says)), "{keys}: {says}");
        }
    }

    #[test]
    fn what_is_of_no_use_is_not_kept() {
        let kept = set(&ED.replace("\"kid\"", "\"x5u\":\"https://evil.example/\",\"kid\"")).unwrap();
        assert!(!kept.as_str().contains("evil"));
    }
}
