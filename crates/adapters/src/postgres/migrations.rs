//! The tables, and how they come to be.
//!
//! Migrations run one by one, each in a transaction of its own together with the note that it ran, under an advisory
//! lock: of nodes that start at once one migrates, and the others find it done. They only add, in steps that lock
//! nothing for long, so nodes of the version before work on while and after they run; `webhooks` is the exception, which
//! takes endpoints away from them.

use sqlx::migrate::{AppliedMigration, Migrate as _, MigrateError, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqlStr};
use waypost_core::Result;

use super::columns::Columns as _;
use super::database::connect;
use super::error::Fault;
use super::options::{PostgresOptions, quoted};

/// Version, name and text of each migration, oldest first. One that was released is never changed.
const MIGRATIONS: [(i64, &str, &str); 11] = [
    (1, "links", include_str!("migrations/0001_links.sql")),
    (2, "idempotency", include_str!("migrations/0002_idempotency.sql")),
    (3, "credentials", include_str!("migrations/0003_credentials.sql")),
    (4, "limits", include_str!("migrations/0004_limits.sql")),
    (5, "outbox", include_str!("migrations/0005_outbox.sql")),
    (6, "events", include_str!("migrations/0006_events.sql")),
    (7, "clicks", include_str!("migrations/0007_clicks.sql")),
    (8, "identity", include_str!("migrations/0008_identity.sql")),
    (9, "webhooks", include_str!("migrations/0009_webhooks.sql")),
    (10, "owed", include_str!("migrations/0010_owed.sql")),
    (11, "presence", include_str!("migrations/0011_presence.sql")),
];
/// Notes which migrations were made.
const TABLE: &str = "waypost_migration";
/// One schema is migrated by one program at a time.
const LOCK: &str = "SELECT pg_advisory_lock(hashtextextended('waypost migration ' || current_schema(), 0))";
const UNLOCK: &str = "SELECT pg_advisory_unlock(hashtextextended('waypost migration ' || current_schema(), 0))";
/// A step that cannot have its lock gives up, rather than have everybody queue behind it; it runs at the next start.
const PATIENCE: &str = "SET lock_timeout = '5s'";

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

/// Lists the migrations, and says which of them the database has. Changes nothing.
///
/// # Errors
/// As [`migrate`].
pub async fn migrations(options: impl Into<PostgresOptions>) -> Result<Vec<Migration>> {
    let options = options.into();
    let listed: Result<_, Fault> = async {
        let mut conn = connect(&options).await?;
        let applied = applied(&mut conn).await?;
        conn.close().await?;
        check(&applied)?;
        Ok(self::listed(&applied))
    }
    .await;
    Ok(listed?)
}

/// Runs the migrations that are missing; gives those that it ran. One that fails is undone, those before it stay.
///
/// # Errors
/// [`Conflict`](waypost_core::Kind::Conflict) when one of the migrations that the database has is not ours; [`Unavailable`](waypost_core::Kind::Unavailable) when it is away, or when others hold
/// a table for so long that the step gave up.
pub async fn migrate(options: impl Into<PostgresOptions>, run: Run) -> Result<Vec<Migration>> {
    let options = options.into();
    let ran: Result<_, Fault> = async {
        let mut conn = connect(&options).await?;
        let ran = self::run(&mut conn, &options, run).await?;
        conn.close().await?;
        Ok(ran)
    }
    .await;
    Ok(ran?)
}

/// Runs what is missing.
pub(super) async fn run(conn: &mut PgConnection, options: &PostgresOptions, run: Run) -> Result<Vec<Migration>, Fault> {
    // Most starts find nothing to do.
    let before = applied(conn).await?;
    check(&before)?;
    if listed(&before).iter().all(|migration| migration.applied) {
        return Ok(Vec::new());
    }
    match run {
        Run::Apply => {
            make_schema(conn, options).await?;
            conn.execute("SET lock_timeout = '60s'").await?;
            conn.execute(LOCK).await?;
            conn.execute(PATIENCE).await?;
            let missing = missing(conn).await?;
            migrator().run_direct(None, &mut *conn, false).await?;
            conn.execute("SET lock_timeout = DEFAULT").await?;
            conn.execute(UNLOCK).await?;
            Ok(missing)
        }
        Run::Try => {
            let mut tx = conn.begin().await?;
            make_schema(&mut tx, options).await?;
            tx.execute("SET LOCAL lock_timeout = '5s'").await?;
            let missing = missing(&mut tx).await?;
            migrator().run_direct(None, &mut *tx, false).await?;
            tx.rollback().await?;
            Ok(missing)
        }
    }
}

async fn make_schema(conn: &mut PgConnection, options: &PostgresOptions) -> Result<(), Fault> {
    if let Some(schema) = &options.schema {
        // Who may not make schemas may still use one that is there.
        const IS_THERE: &str = "SELECT to_regnamespace($1) IS NOT NULL";
        if sqlx::query(IS_THERE).bind(quoted(schema)).fetch_one(&mut *conn).await?.at::<bool>(0)? {
            return Ok(());
        }
        let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema));
        // Two that make it at once: one is told that it is there, which is what it wanted.
        if let Err(fault) = conn.execute(AssertSqlSafe(sql)).await.map_err(Fault::from)
            && fault.state().as_deref() != Some("23505")
        {
            return Err(fault);
        }
    }
    Ok(())
}

async fn missing(conn: &mut PgConnection) -> Result<Vec<Migration>, Fault> {
    Ok(listed(&applied(conn).await?).into_iter().filter(|migration| !migration.applied).collect())
}

async fn applied(conn: &mut PgConnection) -> Result<Vec<AppliedMigration>, Fault> {
    const EXISTS: &str = "SELECT to_regclass('waypost_migration') IS NOT NULL";
    if !sqlx::query(EXISTS).fetch_one(&mut *conn).await?.at::<bool>(0)? {
        return Ok(Vec::new());
    }
    Ok(conn.list_applied_migrations(TABLE).await?)
}

/// A migration that is newer than any of ours was made by the next version, and does not hinder this one: a node that is
/// restarted in the middle of an upgrade comes back.
fn check(applied: &[AppliedMigration]) -> Result<(), Fault> {
    let known = migrator();
    let newest = MIGRATIONS.map(|(version, ..)| version).into_iter().max();
    for one in applied {
        match known.iter().find(|known| known.version == one.version) {
            None if Some(one.version) > newest => {}
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

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        sqlx::migrate::Migration::new(version, name.into(), MigrationType::Simple, SqlStr::from_static(sql), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.into());
    migrator.dangerous_set_table_name(TABLE);
    // The lock of the whole database would have schemas wait for each other.
    migrator.set_locking(false);
    migrator.set_ignore_missing(true);
    migrator
}
