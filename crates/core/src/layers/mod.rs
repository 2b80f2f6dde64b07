//! Layers around ports: each is the port that it surrounds, and passes the same suite.
//!
//! | layer | does | belongs |
//! |---|---|---|
//! | [`Traced`] | times every call | outermost |
//! | [`Retry`] | makes a call again that found the store away | around `Timeout` |
//! | [`Timeout`] | gives up a call that takes too long | next to the port |
//! | [`Faulty`] | fails calls as it is told, for tests and drills | wherever the fault is |
//! | [`Cached`] | believes look-ups for a moment | around them all |
//!
//! A [`Layer`] is one method around one call, whichever it is; [`Layered`] implements each port once, call by call, for
//! whatever layer, and says of each call whether it may be repeated. `Cached` is of another shape, since it must know
//! what it keeps.
//!
//! ```
//! # use std::sync::Arc;
//! # use waypost_core::clock::Clock;
//! # use waypost_core::entropy::Entropy;
//! use waypost_core::events::EventBus;
//! use waypost_core::layers::{Budget, Layered, Retry, RetryOptions, Timeout, Traced};
//!
//! # fn inside(bus: Arc<dyn EventBus>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Arc<dyn EventBus> {
//! let timeout = Timeout::new(clock.clone(), Timeout::LIMIT);
//! let retry = Retry::new(clock.clone(), entropy, Arc::new(Budget::default()), RetryOptions::default());
//! Arc::new(Layered::new(bus, (Traced::new(clock), (retry, timeout))))
//! # }
//! ```

mod budget;
mod cached;
mod clicks;
mod clients;
mod credentials;
mod events;
mod faulty;
mod grants;
mod idempotency;
mod invalidations;
mod layer;
mod limits;
mod links;
mod members;
mod outbox;
mod presence;
mod retry;
mod timeout;
mod traced;
mod webhooks;

#[cfg(test)]
mod tests;

pub use budget::Budget;
pub use cached::{Cached, Remembered};
pub use faulty::{Fault, Faulty};
pub use layer::{Call, Layer, Layered, Repeat, Work};
pub use retry::{Retry, RetryOptions};
pub use timeout::Timeout;
pub use traced::Traced;
