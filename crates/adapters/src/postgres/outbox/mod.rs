//! The outbox in PostgreSQL: entries wait in eight leaves, which are filled in turn and emptied whole
//! (docs/adr/0014).

mod append;
mod claim;
mod dead;
mod gate;
mod rotation;
mod settle;
mod store;

pub(super) use append::{insert, insert_in_order};
pub use store::PostgresOutbox;
