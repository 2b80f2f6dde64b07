//! Links: the values, the port that keeps them, and the use cases.
//!
//! A create runs `Draft::read` → [`Links::create`] → [`LinkStore::write`]; a follow runs [`Follows::follow`], which
//! stands in front of the port with a cache. What changes goes to [`Changes`], and by [`Invalidations`] to the caches of
//! other nodes.

mod destination;
mod domain;
mod edit;
mod invalidation;
mod link;
mod port;
mod query;
mod slug;

#[cfg(feature = "services")]
mod cache;
#[cfg(feature = "services")]
mod changes;
#[cfg(feature = "services")]
mod expiry;
#[cfg(feature = "services")]
mod follow;
#[cfg(feature = "services")]
mod forgetter;
#[cfg(feature = "services")]
mod look_up;
#[cfg(feature = "services")]
mod service;
#[cfg(feature = "services")]
mod target;

pub use destination::{Destination, DestinationRules, InvalidDestination};
pub use domain::{Domain, Site, UnknownDomain};
pub use edit::{Draft, Edit};
pub use invalidation::{Heard, Invalidations, LinkName, Listener};
pub use link::{InvalidLabel, Link, Metadata, RedirectStatus, ReferrerPolicy, Status, Tag, Tags, Title, Version};
pub use port::{Atomicity, Change, Keyed, LinkStore, LinkWrite, Outcome, Refusal, Written};
pub use query::{AnchorKey, Direction, LinkAnchor, LinkFilter, LinkQuery, LinkSort, SortKey};
pub use slug::{InvalidSlug, RESERVED, Slug};

#[cfg(feature = "services")]
pub use cache::LinkCache;
#[cfg(feature = "services")]
pub use changes::{Announcer, Changes};
#[cfg(feature = "services")]
pub use expiry::Expiry;
#[cfg(feature = "services")]
pub use follow::{Followed, Follows, Visit, VisitKind};
#[cfg(feature = "services")]
pub use forgetter::Forgetter;
#[cfg(feature = "services")]
pub use service::{Created, Links, MOST_AT_ONCE, Once};
#[cfg(feature = "services")]
pub use target::Target;
