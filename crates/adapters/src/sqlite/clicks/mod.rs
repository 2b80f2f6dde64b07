//! Clicks in SQLite.

mod append;
mod row;
mod stats;
mod store;

pub use store::SqliteClickStore;
