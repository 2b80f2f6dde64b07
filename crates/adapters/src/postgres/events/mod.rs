//! The event log in PostgreSQL.

mod bus;
mod groups;
mod log;
pub(super) mod row;

pub use bus::PostgresEventBus;
