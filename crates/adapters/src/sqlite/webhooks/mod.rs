//! Webhook endpoints in SQLite, what is owed to them, and what became of it.
//!
//! What is leased is the queue of an endpoint, one narrow row. A delivery is written once; that it is owed, was given up,
//! or was tried, is told by rows about it in other tables.

mod attempt;
mod claim;
mod delivery;
mod endpoint;
mod log;
mod owe;
#[cfg(test)]
mod plans;
mod purge;
mod queue;
mod redrive;
mod settle;
mod store;

pub use store::SqliteWebhookStore;
