//! Links in PostgreSQL.

mod changes;
mod create;
mod list;
#[cfg(test)]
mod plans;
mod row;
mod store;
mod write;

pub use store::PostgresLinkStore;
