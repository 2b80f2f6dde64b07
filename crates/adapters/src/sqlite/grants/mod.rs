//! Grants, their tokens, and denied access tokens in SQLite.

mod row;
mod store;

#[cfg(test)]
mod plans;

pub use store::SqliteGrantStore;
