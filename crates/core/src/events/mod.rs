//! Events: what happened, told once under one id, and the log that keeps them in order.

mod event;
mod port;
mod position;

#[cfg(feature = "services")]
mod feed;

pub use event::{Event, EventType, InvalidEventType, Payload};
pub use port::{Acked, Batch, Bounds, EventBus, EventFilter, Logged, Read};
pub use position::{Epoch, Position};

#[cfg(feature = "services")]
pub(crate) use feed::binding;
#[cfg(feature = "services")]
pub use feed::{Feed, FeedPage, Retention, expired_cursor};
