//! Clicks in PostgreSQL.

mod append;
mod days;
mod fit;
mod forget;
mod row;
mod stats;
mod store;

pub use store::PostgresClickStore;
