//! Idempotency: a request that is sent twice is carried out once, and answered twice with the same bytes
//! (§4; draft-ietf-httpapi-idempotency-key-header).

mod answer;
mod key;
mod port;

#[cfg(feature = "services")]
mod service;

pub use answer::Answer;
pub use key::{Fingerprint, IdempotencyKey, InvalidIdempotencyKey};
pub use port::{Claim, ClaimRequest, IdempotencyStore, Lease, LeaseToken, ScopedKey, Settled};

#[cfg(feature = "services")]
pub use service::{Idempotency, IdempotencyOptions, Sweeper};
