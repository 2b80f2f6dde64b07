//! The table of routes, capability by capability.

pub(super) mod credentials;
pub(super) mod events;
pub(super) mod links;
pub(super) mod members;
pub(super) mod oauth;
pub(super) mod operations;
pub(super) mod sessions;
pub(super) mod webhooks;
