//! Clicks: from the redirect's path into the spool, from the spool into the roll-ups.
//!
//! On the redirect's path a [`Hit`] is made durable and nothing else. The drain reads hits back in batches, has each
//! one *described* (who came, from where, is it a program), and appends the [`Click`]s to the store. The teller has what
//! was counted told, a few times a second for each link.

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
#[cfg(feature = "services")]
mod teller;

pub use click::{Class, Click, ClickId, Country, Describe, Visitor};
pub use hit::{Hit, HitRef};
pub use port::{Admission, Appended, ClickAnchor, ClickStore, Owed, Take, Telling, Told};
pub use spool::{ClickSpool, SpoolMark, Spooled};
pub use stats::{Bucket, Facet, Group, Interval, Stats, StatsQuery};
pub use tally::{Counts, Tallies};

#[cfg(feature = "services")]
pub use drain::{Drain, DrainOptions};
#[cfg(feature = "services")]
pub use service::{Analytics, ClickRetention};
#[cfg(feature = "services")]
pub use teller::{Teller, TellerOptions};
