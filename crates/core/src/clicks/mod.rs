//! Clicks: from the redirect's path into the spool, from the spool into the roll-ups.
//!
//! On the redirect's path a [`Hit`] is made durable and nothing else. The drain reads hits back in batches, has each
//! one *described* (who came, from where, is it a program), and appends the [`Click`]s to the store.

mod click;
mod hit;
mod port;
mod spool;
mod stats;
mod tally;

#[cfg(feature = "services")]
mod drain;
#[cfg(feature = "services")]
mod service;

pub use click::{Class, Click, ClickId, Country, Describe, Visitor};
pub use hit::{Hit, HitRef};
pub use port::{Admission, Appended, ClickAnchor, ClickBatch, ClickStore, Take};
pub use spool::{ClickSpool, SpoolMark, Spooled};
pub use stats::{Bucket, Facet, Group, Interval, Stats, StatsQuery};
pub use tally::{Counts, Tallies};

#[cfg(feature = "services")]
pub use drain::{Drain, DrainOptions};
#[cfg(feature = "services")]
pub use service::{Analytics, ClickRetention};
