//! Every port in one SQLite file: the embedded default, durable, and safe to share between processes.
//!
//! [`Sqlite::open`] opens the file and brings its tables up to date; each port is made of the handle:
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use waypost_adapters::sqlite::{Sqlite, SqliteClickStore, SqliteLinkStore, SqliteOutbox};
//!
//! let folder = tempfile::tempdir()?;
//! let db = Sqlite::open(folder.path().join("waypost.db")).await?;
//! let (links, clicks, outbox) = (SqliteLinkStore::new(&db), SqliteClickStore::new(&db), SqliteOutbox::new(&db));
//! db.close().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Durable.** A write is told when it is on the disk (write-ahead log, `synchronous=FULL`). Writes that wait at the
//! same time share one flush.
//!
//! **Many writers.** SQLite lets one transaction write at a time. Within a process writes stand in one line; between
//! processes they take turns, and a write that waits longer than [`SqliteOptions::busy_timeout`] is
//! [`Unavailable`](waypost_core::Kind::Unavailable). Readers never wait.
//!
//! **Full disk.** A write that finds no space is `Unavailable` and leaves nothing behind; once there is space, the next
//! one works.
//!
//! **Wake-ups** reach waiters of this process only; what another process commits is found by the caller's own bound on
//! its wait.
//!
//! **Where it may lie.** On a local disk: write-ahead logging needs shared memory, which network file systems lack.

mod bulk;
mod clicks;
mod clients;
mod columns;
mod credentials;
mod database;
mod error;
mod events;
mod grants;
mod idempotency;
mod limits;
mod links;
mod members;
mod migrations;
mod options;
mod outbox;
mod wake;
mod webhooks;
mod writer;

#[cfg(test)]
mod tests;

pub use clicks::SqliteClickStore;
pub use clients::SqliteClientStore;
pub use credentials::SqliteCredentialStore;
pub use database::{Sqlite, SqliteProbe};
pub use events::SqliteEventBus;
pub use grants::SqliteGrantStore;
pub use idempotency::SqliteIdempotencyStore;
pub use limits::SqliteRateLimiter;
pub use links::SqliteLinkStore;
pub use members::SqliteMemberStore;
pub use migrations::{Migration, Run, migrate, migrations};
pub use options::SqliteOptions;
pub use outbox::SqliteOutbox;
pub use webhooks::SqliteWebhookStore;
