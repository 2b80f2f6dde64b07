//! Who is watching a topic, across nodes.
//!
//! A session that watches is kept alive in a store that all nodes share ([`PresenceStore`]), for a short time that is
//! renewed. [`Presences`] says whom this node has, and its engine ([`PresenceKeeper`]) enters, renews and reads them;
//! each [`Watch`] sees the members of its subject come and go. What a node that died had is over by itself.

mod members;
mod place;
mod port;

#[cfg(feature = "services")]
mod board;
#[cfg(feature = "services")]
mod keeper;
#[cfg(feature = "services")]
mod schedule;
#[cfg(feature = "services")]
mod service;
#[cfg(feature = "services")]
mod shares;
#[cfg(all(test, feature = "services"))]
mod tests;
#[cfg(feature = "services")]
mod watch;

pub use members::{Members, PresenceChange, changes};
pub use place::{Place, Presence, Stay};
pub use port::PresenceStore;

#[cfg(feature = "services")]
pub use keeper::PresenceKeeper;
#[cfg(feature = "services")]
pub use service::Presences;
#[cfg(feature = "services")]
pub use watch::Watch;
