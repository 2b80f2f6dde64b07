//! The tables, and how they come to be.
//!
//! Every migration that is missing runs in one transaction together with the note that it ran. So a database is of one
//! version or of another, never between, and of two programs that start at once one migrates and the other finds it
//! done.

use sqlx::migrate::{AppliedMigration, Migrate as _, MigrateError, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, SqlStr};
use waypost_core::Result;

use super::database::connect;
use super::error::Fault;
use super::options::SqliteOptions;

/// Version, name and text of each migration, oldest first. One that was released is never changed.
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (1, "platform", include_str!("migrations/0001_platform.sql")),
    (2, "identity", include_str!("migrations/0002_identity.sql")),
    (3, "webhooks", include_str!("migrations/0003_webhooks.sql")),
    (4, "owed", include_str!("migrations/0004_owed.sql")),
];
/// Notes which migrations were made.
const TABLE: &str = "waypost_migration";

/// One step of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its number; they run in this order.
    pub version: i64,
    /// What it is about.
    pub name: &'static str,
    /// What it runs.
    pub sql: &'static str,
    /// Whether the database has it.
    pub applied: bool,
}

/// Whether a migration is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// It is.
    Apply,
    /// It runs, so that it is known to work on this database, and is undone.
    Try,
}

/// Lists the migrations, and says which of them the database has. Changes nothing, and makes no file.
///
/// # Errors
/// As [`migrate`].
pub async fn migrations(options: impl Into<SqliteOptions>) -> Result<Vec<Migration>> {
    let options = options.into();
    if !options.path.exists() {
        return Ok(listed(&[]));
    }
    let listed: Result<_, Fault> = async {
        let mut conn = SqliteConnection::connect_with(&options.reading()).await?;
        let applied = applied(&mut conn).await?;
        conn.close().await?;
        check(&applied)?;
        Ok(self::listed(&applied))
    }
    .await;
    Ok(listed?)
}

/// Runs the migrations that are missing, all or none; gives those that it ran.
///
/// # Errors
/// [`Conflict`](waypost_core::Kind::Conflict) when a newer program has migrated the database, or when one of the
/// migrations it has is not ours; [`Unavailable`](waypost_core::Kind::Unavailable) when it cannot be opened or written.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use waypost_adapters::sqlite::{Run, migrate, migrations};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("waypost.db");
/// assert!(!migrate(&path, Run::Try).await?.is_empty());
/// assert!(migrations(&path).await?.iter().all(|migration| !migration.applied), "it was only tried");
/// migrate(&path, Run::Apply).await?;
/// assert!(migrate(&path, Run::Apply).await?.is_empty(), "nothing is missing any more");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn migrate(options: impl Into<SqliteOptions>, run: Run) -> Result<Vec<Migration>> {
    let options = options.into();
    let ran: Result<_, Fault> = async {
        let mut conn = connect(&options).await?;
        let ran = self::run(&mut conn, run).await?;
        conn.close().await?;
        Ok(ran)
    }
    .await;
    Ok(ran?)
}

/// Runs what is missing.
pub(super) async fn run(conn: &mut SqliteConnection, run: Run) -> Result<Vec<Migration>, Fault> {
    // Most starts find nothing to do, and then nobody who writes is kept waiting.
    let before = applied(conn).await?;
    check(&before)?;
    if before.len() == MIGRATIONS.len() {
        return Ok(Vec::new());
    }
    // The write lock is taken before the second look, so no other program can be between the two.
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    let missing: Vec<_> = listed(&applied(&mut tx).await?).into_iter().filter(|migration| !migration.applied).collect();
    migrator(&MIGRATIONS).run_direct(None, &mut *tx, false).await?;
    match run {
        Run::Apply => tx.commit().await?,
        Run::Try => tx.rollback().await?,
    }
    Ok(missing)
}

async fn applied(conn: &mut SqliteConnection) -> Result<Vec<AppliedMigration>, Fault> {
    const EXISTS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?";
    if sqlx::query(EXISTS).bind(TABLE).fetch_optional(&mut *conn).await?.is_none() {
        return Ok(Vec::new());
    }
    Ok(conn.list_applied_migrations(TABLE).await?)
}

fn check(applied: &[AppliedMigration]) -> Result<(), Fault> {
    let known = migrator(&MIGRATIONS);
    for one in applied {
        match known.iter().find(|known| known.version == one.version) {
            None => return Err(MigrateError::VersionMissing(one.version).into()),
            Some(known) if known.checksum != one.checksum => {
                return Err(MigrateError::VersionMismatch(one.version).into());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn listed(applied: &[AppliedMigration]) -> Vec<Migration> {
    let is_applied = |version| applied.iter().any(|one| one.version == version);
    MIGRATIONS.map(|(version, name, sql)| Migration { version, name, sql, applied: is_applied(version) }).into()
}

/// Runs the first `steps`, as a program did that knew no more of them.
#[cfg(test)]
pub(super) async fn run_first(conn: &mut SqliteConnection, steps: usize) -> Result<(), Fault> {
    Ok(migrator(&MIGRATIONS[..steps]).run_direct(None, conn, false).await?)
}

fn migrator(steps: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = steps.iter().map(|(version, name, sql)| {
        let (name, sql) = ((*name).into(), SqlStr::from_static(sql));
        sqlx::migrate::Migration::new(*version, name, MigrationType::Simple, sql, false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name(TABLE);
    migrator
}
