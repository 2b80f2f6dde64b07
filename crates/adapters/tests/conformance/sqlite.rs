//! The adapters on one SQLite file.

use std::sync::Arc;

use waypost_adapters::sqlite::{Sqlite, SqliteClickStore, SqliteIdempotencyStore, SqliteLinkStore, SqliteOutbox};
use waypost_core::conformance::{self, Stores, Subject};
use waypost_core::idempotency::IdempotencyStore;
use waypost_core::outbox::Outbox;

/// A fresh database in a folder that is removed after the case.
async fn database() -> Subject<Sqlite> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = Sqlite::open(folder.path().join("waypost.db")).await.expect("a database");
    Subject::guarded(db, folder)
}

async fn stores() -> Subject<Stores> {
    database().await.map(|db| Stores {
        links: Arc::new(SqliteLinkStore::new(&db)),
        clicks: Arc::new(SqliteClickStore::new(&db)),
        idempotency: Arc::new(SqliteIdempotencyStore::new(&db)),
        outbox: Arc::new(SqliteOutbox::new(&db)),
    })
}

async fn idempotency_store() -> Subject<Arc<dyn IdempotencyStore>> {
    stores().await.map(|stores| stores.idempotency)
}

async fn outbox_store() -> Subject<Arc<dyn Outbox>> {
    stores().await.map(|stores| stores.outbox)
}

conformance::links!(stores);
conformance::idempotency!(idempotency_store);
conformance::outbox!(outbox_store);
