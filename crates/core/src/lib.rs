//! Waypost's core: the values, the ports, and what is built on them.
//!
//! A capability has one folder here, and the same name in every other crate: [`links`], [`clicks`], [`idempotency`],
//! [`limits`], [`outbox`], [`events`], [`credentials`]. In each, `port.rs` is the trait that an adapter implements,
//! with its laws as numbered clauses; values stand beside it; `service.rs` holds the use cases, and a file named after
//! its work (`drain`, `relay`, `expiry`) an engine.
//!
//! Nothing here opens a file or a socket, asks the machine for the time, or draws randomness on its own: adapters,
//! [`clock`] and [`entropy`] bring these in.

pub mod clicks;
pub mod clients;
pub mod clock;
pub mod credentials;
pub mod entropy;
mod error;
pub mod events;
pub mod fields;
pub mod grants;
pub mod health;
pub mod idempotency;
pub mod ids;
pub mod limits;
pub mod links;
pub mod members;
pub mod outbox;
pub mod page;
pub mod push;
pub mod webhooks;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "services")]
pub mod engine;
#[cfg(feature = "services")]
pub mod identity;
#[cfg(feature = "services")]
pub mod issuers;
#[cfg(feature = "services")]
pub mod layers;
#[cfg(feature = "services")]
pub mod login;
#[cfg(feature = "services")]
mod platform;
#[cfg(feature = "services")]
mod ports;
#[cfg(feature = "services")]
pub mod seal;
#[cfg(feature = "services")]
pub mod tickets;
#[cfg(feature = "services")]
pub mod tokens;
#[cfg(feature = "wire")]
pub mod wire;

pub use error::{Error, Issue, Kind, Result};
#[cfg(feature = "services")]
pub use platform::{IdentityOptions, Platform, PlatformOptions, WebhookOptions};
#[cfg(feature = "services")]
pub use ports::Ports;
