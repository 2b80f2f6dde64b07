//! The receiving side of webhooks: is this delivery Waypost's, and is it fresh (Standard Webhooks 1.0).
//!
//! A receiver reads the body as bytes, verifies it with the headers, drops what it has seen by its id, answers 2xx, and
//! works later. A body that was parsed and written anew is another body: verify the very bytes that came.
//!
//! ```
//! use http::HeaderMap;
//! use waypost_client::webhooks::{Refusal, WebhookVerifier};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = WebhookVerifier::new(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])?;
//!
//! let mut headers = HeaderMap::new();
//! headers.insert("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".parse()?);
//! headers.insert("webhook-timestamp", "1614265330".parse()?);
//! headers.insert("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".parse()?);
//! let body = br#"{"test": 2432232314}"#;
//!
//! // A receiver calls `verify`, which asks the system's clock; this delivery is of 2021.
//! let now = "2021-02-25T15:02:12Z".parse()?;
//! let received = verifier.verify_at(&headers, body, now)?;
//! assert_eq!(received.id(), "msg_p5jXN8AQM9LWM0D4loKWxJek");
//!
//! assert_eq!(verifier.verify_at(&headers, b"{}", now).unwrap_err(), Refusal::NoMatch);
//! assert!(matches!(verifier.verify(&headers, body), Err(Refusal::TooOld { .. })));
//! # Ok(())
//! # }
//! ```

mod keys;
mod received;
mod refusal;
mod verifier;

#[cfg(test)]
mod tests;

pub use keys::{InvalidKey, KeyFault, MOST_KEYS};
pub use received::{Received, UnreadableBody};
pub use refusal::Refusal;
pub use verifier::{MOST_SIGNATURES, TOLERANCE, WebhookVerifier};
