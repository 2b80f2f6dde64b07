//! Clicks in PostgreSQL.

mod append;
mod fit;
mod forget;
mod row;
mod stats;
mod store;
mod tell;

pub use store::PostgresClickStore;

use super::days::DailyTables;

/// Clicks are kept by the day. The name is that of the versions before, whose nodes may be at work.
static KEPT: DailyTables = DailyTables { name: "waypost days ", tables: &["waypost_click"] };
