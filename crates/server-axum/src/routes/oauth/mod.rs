//! OAuth 2.0: the token endpoint and what stands around it, told by metadata; and the clients of a workspace.
//!
//! What stands under `/oauth/` is public to the guard, for its callers are clients, which prove who they are by the rules
//! of the protocol; see [`form`]. Its errors are those of RFC 6749 §5.2.

pub(super) mod authorize;
pub(super) mod clients;
mod form;
pub(super) mod inspection;
pub(super) mod metadata;
mod proof;
pub(super) mod token;

/// Where revocation and introspection are; metadata names them.
pub(super) const REVOKE: &str = "/oauth/revoke";
pub(super) const INTROSPECT: &str = "/oauth/introspect";
/// Where people are asked; metadata names it too.
pub(super) const AUTHORIZE: &str = "/oauth/authorize";
/// Where the keys are.
pub(super) const KEYS: &str = "/.well-known/jwks.json";
