//! Grants, their tokens, and denied access tokens in PostgreSQL.

mod row;
mod store;

#[cfg(test)]
mod plans;

pub use store::PostgresGrantStore;
