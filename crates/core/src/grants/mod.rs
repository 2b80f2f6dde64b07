//! Grants: what a person allowed, to a browser or to a client, for a time.
//!
//! A browser's session is a grant without a client, shown by the token in its cookie. What a person allows a client is a
//! grant too: the client gets a code, turns it into a refresh token, and each refresh token into the next. So one act ends
//! a session, a client's access, or everything that a person ever allowed.

mod grant;
mod port;
#[cfg(feature = "services")]
mod sessions;

pub use grant::{Grant, GrantToken};
pub use port::{Ending, GrantStore, Turn};
#[cfg(feature = "services")]
pub use sessions::{Session, Sessions, Started};
