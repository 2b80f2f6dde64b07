//! Credentials: who is asking, and what they may do.

mod api_key;
mod port;
mod principal;
mod scope;

#[cfg(feature = "services")]
mod service;

pub use api_key::{ApiKey, ApiKeyText, KeyHash};
pub use port::{CredentialStore, Workspace};
pub use principal::Principal;
pub use scope::{Scope, Scopes, UnknownScope};

#[cfg(feature = "services")]
pub use service::{Credentials, IssuedKey};
