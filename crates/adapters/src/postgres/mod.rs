//! Every port in a PostgreSQL database, for any number of nodes.
//!
//! [`Postgres::open`] connects and brings the tables up to date; each port is made of the handle.
//!
//! **Shared.** Nothing of the platform's state is in the process: nodes come and go, and each sees what the others
//! committed.
//!
//! **Durable.** A write is told when PostgreSQL has committed it, under the server's own `synchronous_commit`; but for what
//! may be lost without harm: a lease that is renewed, a claim or a verdict of the outbox, the place of a group of readers.
//!
//! **Beside other tables.** Every table begins with `waypost_` and stands in one schema, so that an embedder's own
//! tables can share the database, and a transaction.
//!
//! **Away.** A call finds a connection within [`PostgresOptions::acquire_timeout`] or is
//! [`Unavailable`](waypost_core::Kind::Unavailable). A connection whose call was given up is closed, never used again,
//! and connections that have died are replaced by themselves.
//!
//! **Behind a pooler.** Sessions are used for prepared statements, `LISTEN` and advisory locks of transactions: a pooler
//! in session mode works if it lets the start-up parameter `options` pass (PgBouncer refuses it), one in transaction mode
//! does not.

mod clicks;
mod clients;
mod columns;
mod credentials;
mod database;
mod days;
mod error;
mod events;
mod grants;
mod idempotency;
mod invalidations;
mod limits;
mod links;
mod members;
mod migrations;
mod options;
mod outbox;
mod presence;
mod server;
mod signals;
#[cfg(test)]
mod tests;
mod webhooks;

pub use clicks::PostgresClickStore;
pub use clients::PostgresClientStore;
pub use credentials::PostgresCredentialStore;
pub use database::{Postgres, PostgresProbe};
pub use events::PostgresEventBus;
pub use grants::PostgresGrantStore;
pub use idempotency::PostgresIdempotencyStore;
pub use invalidations::PostgresInvalidations;
pub use limits::PostgresRateLimiter;
pub use links::PostgresLinkStore;
pub use members::PostgresMemberStore;
pub use migrations::{Migration, Run, migrate, migrations};
pub use options::PostgresOptions;
pub use outbox::PostgresOutbox;
pub use presence::PostgresPresenceStore;
pub use server::PostgresServer;
pub use webhooks::PostgresWebhookStore;
