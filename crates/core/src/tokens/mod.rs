//! Tokens that the platform signs: access tokens (RFC 9068), and what a gateway tells a node about who asks.
//!
//! An access token is a JWT of 15 minutes. It is checked strictly (RFC 8725), once: a token that was found good is
//! remembered until it ends. Whether it *still stands* is asked each time: its client may have been revoked, its grant
//! ended, its id denied, a member's role taken away. So a revocation holds on every node as soon as the stores show it,
//! a second later at most.
//!
//! The keys that sign are made of secrets of the platform, one for each 30 days, and need no port of their own.

mod access_token;
mod claims;
mod fault;
mod jws;
mod key_ring;
mod service;
mod signature;
mod standing;
mod vouching;

pub use access_token::{AccessToken, Bearer};
pub use fault::Fault;
pub use service::{IssuedToken, TokenOptions, Tokens};
pub use standing::Verified;

pub(crate) use claims::{Claims, SKEW};
pub(crate) use jws::Jws;
pub(crate) use key_ring::KeyRing;
pub(crate) use signature::VerifyingKey;
