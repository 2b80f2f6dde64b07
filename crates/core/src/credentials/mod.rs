//! Credentials: who is asking, and what they may do.

mod api_key;
mod plan_name;
mod port;
mod principal;
mod scope;
mod secret;

#[cfg(feature = "services")]
pub(crate) mod draft;
#[cfg(feature = "services")]
mod keys;
#[cfg(feature = "services")]
mod service;

pub use api_key::{ApiKey, ApiKeyText, KeyHash};
pub use plan_name::{InvalidPlanName, PlanName};
pub use port::{CredentialStore, Workspace};
pub use principal::{Actor, Principal};
pub use scope::{Scope, Scopes, UnknownScope};
pub use secret::{SecretHash, SecretKind, SecretText};

#[cfg(feature = "services")]
pub use draft::parse_name;
#[cfg(feature = "services")]
pub use keys::{KeyDraft, Overlap};
#[cfg(feature = "services")]
pub use service::{Credentials, IssuedKey};
