//! What is true of this technology alone; what is true of every store is proved by the conformance suites.

mod away;
mod clicks;
mod death;
mod identity;
mod log;
mod migrations;
mod nodes;
mod outbox;
mod presence;
mod schema;
mod signals;
mod values;
mod webhooks;

use super::{Postgres, PostgresOptions};

pub(super) use schema::Schema;

/// How to open the database in `schema`.
pub(super) fn options(schema: &Schema) -> PostgresOptions {
    PostgresOptions { schema: Some(schema.name.clone()), ..PostgresOptions::new(&schema.url) }
}

/// A fresh database, and the schema that it lies in.
pub(super) async fn database() -> (Postgres, Schema) {
    let schema = Schema::fresh();
    let db = Postgres::open(options(&schema)).await.unwrap();
    (db, schema)
}
