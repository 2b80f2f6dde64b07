//! Signing deliveries (Standard Webhooks 1.0).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use super::WebhookSecret;
use super::endpoint::named;

/// The header with the event's id, the same on each try.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the moment of the try, in Unix seconds.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the signatures, parted by blanks.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

named! {
    /// What a delivery is signed with.
    Scheme {
        /// HMAC-SHA256 with the endpoint's secrets: `v1`.
        Hmac = "hmac-sha256",
        /// Beside that, Ed25519 with the platform's key, which anybody can check with the public one: `v1a`.
        Ed25519 = "ed25519",
    }
}

/// What is signed: id, moment and body, joined by dots.
pub fn signed_content(id: &str, at: Timestamp, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", at.as_second().to_string().as_bytes(), b".", body].concat()
}

/// The signature of `content` by a secret: `v1,` and base64.
pub fn sign(secret: &WebhookSecret, content: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_bytes()).expect("HMAC takes a key of any length");
    mac.update(content);
    encoded("v1", &mac.finalize().into_bytes())
}

/// A signature as the header has it.
pub(super) fn encoded(version: &str, signature: &[u8]) -> String {
    format!("{version},{}", STANDARD.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard's own libraries.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let content = signed_content("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(sign(&secret, &content), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
