//! OAuth clients: programs that get tokens for themselves, or for the people who use them (RFC 6749).

mod client;
mod port;

pub use client::{Client, ClientSecret, InvalidRedirectUri, RedirectUri};
pub use port::ClientStore;
