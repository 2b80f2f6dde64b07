//! The outbox in PostgreSQL: entries wait in eight leaves, which are filled in turn and emptied whole
//! (docs/adr/0014).

mod append;
mod claim;
mod dead;
mod gate;
mod rotation;
mod settle;
mod store;

pub(super) use append::insert;
pub use store::PostgresOutbox;
