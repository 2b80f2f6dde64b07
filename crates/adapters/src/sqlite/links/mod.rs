//! Links in SQLite.

mod list;
#[cfg(test)]
mod plans;
mod row;
mod store;
mod write;

pub use store::SqliteLinkStore;
