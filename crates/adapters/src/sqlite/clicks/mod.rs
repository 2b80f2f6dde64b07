//! Clicks in SQLite.

mod append;
mod row;
mod stats;
mod store;
mod tell;

pub use store::SqliteClickStore;
