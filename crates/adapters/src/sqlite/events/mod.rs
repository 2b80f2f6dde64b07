//! The event log in SQLite.

mod bus;
mod groups;
mod log;
pub(super) mod row;

pub use bus::SqliteEventBus;
