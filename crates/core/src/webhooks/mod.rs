//! Webhooks: partners are told of events by signed calls (Standard Webhooks 1.0; contract §11).
//!
//! An event comes from the log, and [`Fanout`] has it owed to each [`Endpoint`] that wants it, as a [`Delivery`]. The
//! [`Dispatcher`] leases queues of endpoints, makes the calls through a [`WebhookTransport`], and takes down each
//! [`Attempt`] with what becomes of its delivery. [`Webhooks`] is what owners do: register, look, try, ask for it again.

mod attempt;
mod delivery;
mod endpoint;
mod filter;
mod headers;
mod log;
mod pattern;
mod port;
mod queue;
mod secret;
mod signature;
mod standing;
mod target;
mod transport;

#[cfg(feature = "services")]
mod again;
#[cfg(feature = "services")]
mod backlog;
#[cfg(feature = "services")]
mod deliveries;
#[cfg(feature = "services")]
mod dispatcher;
#[cfg(feature = "services")]
mod draft;
#[cfg(feature = "services")]
mod edit;
#[cfg(feature = "services")]
mod fanout;
#[cfg(feature = "services")]
mod message;
#[cfg(feature = "services")]
mod notices;
#[cfg(feature = "services")]
mod public_keys;
#[cfg(feature = "services")]
mod replay;
#[cfg(feature = "services")]
mod retention;
#[cfg(feature = "services")]
mod rotation;
#[cfg(feature = "services")]
mod schedule;
#[cfg(feature = "services")]
mod service;
#[cfg(feature = "services")]
mod trial;

pub use attempt::{Attempt, AttemptResult, Failure, FailureClass, MOST_EXCERPT};
pub use delivery::{Delivery, DeliveryRecord, DeliveryState, DeliveryStatus};
pub use endpoint::{Endpoint, EndpointState, Format, Ordering};
pub use filter::FieldFilter;
pub use headers::CustomHeaders;
pub use log::{DURATION_BOUNDS, DeliveryLog, DeliveryQuery, Measures};
pub use pattern::{EventPattern, InvalidEventPattern};
pub use port::WebhookStore;
pub use queue::{
    Claimed, DeliveryBacklog, DeliveryQueue, DeliveryRuling, Due, Held, Hold, Redrive, Room, Settled, Settlement, Which,
};
pub use secret::{InvalidSecret, SealedSecret, WebhookSecret};
pub use signature::{ID_HEADER, SIGNATURE_HEADER, Scheme, TIMESTAMP_HEADER, sign, signed_content};
pub use standing::{Load, Standing};
pub use target::{InvalidTarget, Target};
pub use transport::{WebhookCall, WebhookReply, WebhookTransport};

#[cfg(feature = "services")]
pub use again::{RecoverRequest, ReplayRequest};
#[cfg(feature = "services")]
pub use backlog::Backlog;
#[cfg(feature = "services")]
pub use deliveries::Progress;
#[cfg(feature = "services")]
pub use dispatcher::{Dispatcher, DispatcherOptions};
#[cfg(feature = "services")]
pub use draft::EndpointDraft;
#[cfg(feature = "services")]
pub use edit::{EndpointEdit, MOST_EVENTS};
#[cfg(feature = "services")]
pub use fanout::Fanout;
#[cfg(feature = "services")]
pub use message::Messages;
#[cfg(feature = "services")]
pub use notices::Notices;
#[cfg(feature = "services")]
pub use replay::Replayed;
#[cfg(feature = "services")]
pub use retention::DeliveryRetention;
#[cfg(feature = "services")]
pub use rotation::{MOST_SECRETS, Resealed};
#[cfg(feature = "services")]
pub use schedule::RETRIES;
#[cfg(feature = "services")]
pub use service::{MOST_ENDPOINTS, Registered, Webhooks};
#[cfg(feature = "services")]
pub use trial::Verification;
