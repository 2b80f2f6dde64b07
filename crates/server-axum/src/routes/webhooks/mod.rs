//! Webhook endpoints: what their owners do with them.

pub(super) mod deliveries;
pub(super) mod endpoints;
pub(super) mod keys;
pub(super) mod trial;
