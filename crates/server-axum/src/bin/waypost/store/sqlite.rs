//! A store in one SQLite file.

use std::path::Path;
use std::sync::Arc;

use waypost_adapters::memory::{MemoryInvalidations, MemoryPresenceStore};
use waypost_adapters::sqlite::{
    self, Sqlite, SqliteClickStore, SqliteClientStore, SqliteCredentialStore, SqliteEventBus, SqliteGrantStore,
    SqliteIdempotencyStore, SqliteLinkStore, SqliteMemberStore, SqliteOutbox, SqliteProbe, SqliteRateLimiter,
    SqliteWebhookStore,
};
use waypost_core::Result;
use waypost_core::health::Probe as _;

use super::Purpose;
use super::parts::Base;
use super::schema::{Run, Step};
use crate::doctor::Finding;
use crate::failure::in_full;
use crate::settings::Settings;

/// Opens the file, made if it is not there; its directory must be.
pub(super) async fn open(path: &Path, purpose: Purpose) -> Result<Base> {
    let db = Sqlite::open(path).await?;
    let idempotency = SqliteIdempotencyStore::new(&db);
    if purpose == Purpose::Serve {
        // The file has one server at a time: what an earlier one claimed and did not answer, nobody will.
        let released = idempotency.release_abandoned().await?;
        if released > 0 {
            tracing::info!(released, "idempotency keys of an earlier process were given back");
        }
    }
    let webhooks = Arc::new(SqliteWebhookStore::new(&db));
    Ok(Base {
        links: Arc::new(SqliteLinkStore::new(&db)),
        clicks: Arc::new(SqliteClickStore::new(&db)),
        idempotency: Arc::new(idempotency),
        outbox: Arc::new(SqliteOutbox::new(&db)),
        credentials: Arc::new(SqliteCredentialStore::new(&db)),
        clients: Arc::new(SqliteClientStore::new(&db)),
        members: Arc::new(SqliteMemberStore::new(&db)),
        grants: Arc::new(SqliteGrantStore::new(&db)),
        webhooks: webhooks.clone(),
        deliveries: webhooks.clone(),
        delivery_log: webhooks,
        bus: Arc::new(SqliteEventBus::new(&db)),
        limiter: Arc::new(SqliteRateLimiter::new(&db)),
        invalidations: Arc::new(MemoryInvalidations::default()),
        presence: Arc::new(MemoryPresenceStore::default()),
        probe: Arc::new(SqliteProbe::new(&db)),
        closing: Box::pin(async move { db.close().await }),
    })
}

/// The migrations, and which of them the file has.
pub(super) async fn migrations(path: &Path) -> Result<Vec<Step>> {
    Ok(sqlite::migrations(path).await?.into_iter().map(step).collect())
}

/// Runs the migrations that are missing.
pub(super) async fn migrate(path: &Path, run: Run) -> Result<Vec<Step>> {
    let run = match run {
        Run::Apply => sqlite::Run::Apply,
        Run::Try => sqlite::Run::Try,
    };
    Ok(sqlite::migrate(path, run).await?.into_iter().map(step).collect())
}

fn step(migration: sqlite::Migration) -> Step {
    Step { version: migration.version, name: migration.name, applied: migration.applied }
}

/// Looks at the file; makes none, and changes none.
pub(super) async fn examine(settings: &Settings, path: &Path) -> Finding {
    let shown = path.display();
    if !path.exists() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        return match folder {
            Some(folder) if !folder.exists() && settings.is_given("database_url") => {
                Finding::fail("store", format!("{shown} lies in a directory that is not there; make it"))
            }
            _ => Finding::warn("store", format!("{shown} is not there yet; `waypost serve` makes it")),
        };
    }
    let looked = match migrations(path).await {
        Ok(steps) => match steps.iter().filter(|step| !step.applied).count() {
            0 => reach(path).await.map(|()| None),
            missing => Ok(Some(missing)),
        },
        Err(error) => Err(error),
    };
    match looked {
        Ok(None) => Finding::ok("store", format!("{shown} answers, and its tables are up to date")),
        Ok(Some(missing)) => Finding::warn(
            "store",
            format!("{shown} lacks {missing} migrations; `waypost serve` or `waypost migrate` runs them"),
        ),
        Err(error) => {
            Finding::fail("store", format!("{shown}: {}; check the file and its permissions", in_full(&error)))
        }
    }
}

async fn reach(path: &Path) -> Result<()> {
    let db = Sqlite::open(path).await?;
    let checked = SqliteProbe::new(&db).check().await;
    db.close().await?;
    checked
}
