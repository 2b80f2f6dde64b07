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

mod channel;
mod drive;
mod frame;
mod hub;
mod options;
mod places;
mod session;
mod subscription;
mod tail;
mod topic;
mod transport;
mod window;

pub use drive::Drive;
pub use frame::Frame;
pub use hub::{Hub, Opening};
pub use options::LiveOptions;
pub use session::Session;
pub use subscription::{From, Overflow, Subscribe};
pub use tail::Tail;
pub use topic::Topic;
pub use transport::{Closing, Gone, Push, PushTransport, Reason, Transport};
