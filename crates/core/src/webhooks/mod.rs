//! Webhooks: where a partner wants to be told of events.

mod endpoint;
mod port;

pub use endpoint::{Endpoint, EventPattern, InvalidEventPattern, InvalidTarget, Target};
pub use port::WebhookStore;
