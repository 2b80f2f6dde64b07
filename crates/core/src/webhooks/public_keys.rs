//! The public keys that anybody can check Ed25519 signatures with.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::Webhooks;
use crate::error::Result;

impl Webhooks {
    /// The public keys as a JWK set (RFC 7517 §5), the one that signs first. Each has a further member,
    /// `standard_webhooks`, with the same key as Standard Webhooks write it: `whpk_` and base64 of its 32 bytes.
    ///
    /// # Errors
    /// Those of the store that has the secrets which the keys are made of.
    pub async fn published_keys(&self) -> Result<Value> {
        let now = self.clock.now();
        let mut set = self.messages.keys.keys(now).await?.published(now);
        for key in set["keys"].as_array_mut().into_iter().flatten() {
            let bytes = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap_or_default());
            key["standard_webhooks"] = bytes.map(|bytes| format!("whpk_{}", STANDARD.encode(bytes))).ok().into();
        }
        Ok(set)
    }
}
