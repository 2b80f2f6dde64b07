//! OAuth clients: programs that get tokens for themselves, or for the people who use them (RFC 6749).

mod client;
mod port;

#[cfg(feature = "services")]
mod authentication;
#[cfg(feature = "services")]
mod draft;
#[cfg(feature = "services")]
mod jwks;
#[cfg(feature = "services")]
mod proof;
#[cfg(feature = "services")]
mod refusal;
#[cfg(feature = "services")]
mod service;

pub use client::{Client, ClientSecret, InvalidRedirectUri, RedirectUri};
pub use port::ClientStore;

#[cfg(feature = "services")]
pub use draft::{ClientAuth, ClientDraft};
#[cfg(feature = "services")]
pub use jwks::ClientKeys;
#[cfg(feature = "services")]
pub use proof::ClientProof;
#[cfg(feature = "services")]
pub use refusal::{Refusal, RefusalCode};
#[cfg(feature = "services")]
pub use service::{Clients, IssuedClient};
