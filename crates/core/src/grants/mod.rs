//! Grants: what a person allowed, to a browser or to a client, for a time.
//!
//! A browser's session is a grant without a client, shown by the token in its cookie. What a person allows a client is a
//! grant too: the client gets a code, turns it into a refresh token, and each refresh token into the next. So one act ends
//! a session, a client's access, or everything that a person ever allowed.

mod grant;
mod port;
#[cfg(feature = "services")]
mod sessions;

#[cfg(feature = "services")]
mod authorizations;
#[cfg(feature = "services")]
mod inspection;
#[cfg(feature = "services")]
mod pkce;
#[cfg(feature = "services")]
mod refreshing;
#[cfg(feature = "services")]
mod sweeper;

pub use grant::{Grant, GrantToken};
pub use port::{Ending, GrantStore, Turn};

#[cfg(feature = "services")]
pub use authorizations::{Authorizations, CodeProof, Consent, Issued};
#[cfg(feature = "services")]
pub use inspection::Inspection;
#[cfg(feature = "services")]
pub use pkce::{Challenge, InvalidPkce};
#[cfg(feature = "services")]
pub use sessions::{Session, Sessions, Started};
#[cfg(feature = "services")]
pub use sweeper::GrantSweeper;
