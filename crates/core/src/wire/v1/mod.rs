//! Version 1 of the wire.
//!
//! Readers ignore fields that they do not know; the server refuses fields that *it* does not know, by name.

mod bulk;
mod error;
mod event;
mod link;
mod member;
mod page;
mod session;
mod stats;
mod time;

pub use bulk::{BulkCreate, BulkResult, BulkResults};
pub use error::{ErrorBody, ErrorCode, ErrorDetail, FieldIssue, Retry};
pub use event::{Clicked, ClickedLink, Deleted, Event, LinkData};
pub use link::{CreateLink, Link, LinkStatus, UpdateLink};
pub use member::{AddMember, Member, UpdateMember};
pub use page::Page;
pub use session::{CurrentSession, Session};
pub use stats::{Stats, StatsBucket, StatsCounts, StatsGroup};
pub use time::Time;
