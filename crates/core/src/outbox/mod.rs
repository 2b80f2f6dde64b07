//! The outbox: events wait here, in the store of what they tell of, until the bus has them.

mod backoff;
mod port;

#[cfg(feature = "services")]
mod relay;

pub use backoff::Backoff;
pub use port::{Backlog, Claimed, DeadEntry, Outbox, Ruling, Verdict};

#[cfg(feature = "services")]
pub use relay::{Relay, RelayOptions};
