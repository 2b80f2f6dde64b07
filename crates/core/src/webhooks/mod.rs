//! Webhooks: where a partner wants to be told of events.

#[cfg(feature = "services")]
mod draft;
mod endpoint;
mod port;
#[cfg(feature = "services")]
mod service;

#[cfg(feature = "services")]
pub use draft::{EndpointDraft, MOST_EVENTS};
pub use endpoint::{Endpoint, EventPattern, InvalidEventPattern, InvalidTarget, Target};
pub use port::WebhookStore;
#[cfg(feature = "services")]
pub use service::{MOST_ENDPOINTS, Registered, WebhookSecret, Webhooks};
