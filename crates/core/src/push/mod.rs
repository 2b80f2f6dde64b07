//! Live feeds: what happens, as it happens, to whoever listens.
//!
//! ```text
//! log ── Tail ── Hub ── window of a topic ── Session ── PushTransport ── client
//!  └───────────── what a session missed ─────┘
//! ```
//!
//! Each node reads the log once. A [`Session`] has a place in the log for each of its subscriptions, and takes what comes
//! next from the window of its topic, or from the log where the window does not reach back so far. So there is no queue
//! that could overflow in silence, no seam between what was missed and what is live, and nothing is kept of a client but its
//! place.

pub mod presence;

#[cfg(feature = "services")]
mod alarm;
#[cfg(feature = "services")]
mod channel;
#[cfg(feature = "services")]
mod drive;
#[cfg(feature = "services")]
mod due;
#[cfg(feature = "services")]
mod frame;
#[cfg(feature = "services")]
mod hub;
#[cfg(feature = "services")]
mod options;
#[cfg(feature = "services")]
mod reading;
#[cfg(feature = "services")]
mod seats;
#[cfg(feature = "services")]
mod session;
#[cfg(feature = "services")]
mod subscription;
#[cfg(feature = "services")]
mod tail;
#[cfg(feature = "services")]
mod topic;
#[cfg(feature = "services")]
mod transport;
#[cfg(feature = "services")]
mod watching;
#[cfg(feature = "services")]
mod window;

#[cfg(feature = "services")]
pub use drive::Drive;
#[cfg(feature = "services")]
pub use frame::Frame;
#[cfg(feature = "services")]
pub use hub::{Hub, Opening};
#[cfg(feature = "services")]
pub use options::LiveOptions;
#[cfg(feature = "services")]
pub use session::Session;
#[cfg(feature = "services")]
pub use subscription::{From, Overflow, Subscribe};
#[cfg(feature = "services")]
pub use tail::Tail;
#[cfg(feature = "services")]
pub use topic::Topic;
#[cfg(feature = "services")]
pub use transport::{Closing, Gone, Push, PushTransport, Reason, Transport};
