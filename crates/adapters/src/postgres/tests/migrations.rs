//! How the tables come to be, where nodes of several versions start at once.

use sqlx::Executor as _;
use waypost_core::Kind;

use super::{Postgres, Schema, database, options};
use crate::postgres::{Migration, Run, migrate, migrations};

async fn applied(schema: &Schema) -> Vec<bool> {
    migrations(options(schema)).await.unwrap().iter().map(|migration| migration.applied).collect()
}

async fn number_of(what: &'static str, schema: &Schema) -> i64 {
    sqlx::query_scalar(what).bind(&schema.name).fetch_one(&mut schema.connection().await).await.unwrap()
}

#[tokio::test]
async fn a_trial_runs_every_migration_and_leaves_nothing() {
    const SCHEMAS: &str = "SELECT count(*) FROM pg_namespace WHERE nspname = $1";
    let schema = Schema::fresh();
    assert!(applied(&schema).await.iter().all(|applied| !applied));
    let tried = migrate(options(&schema), Run::Try).await.unwrap();
    assert_eq!(tried, migrations(options(&schema)).await.unwrap());
    assert!(
        tried.len() >= 7 && tried.iter().all(|migration| !migration.applied && migration.sql.contains("-- Before"))
    );
    assert_eq!(number_of(SCHEMAS, &schema).await, 0, "not even the schema");
    let ran = migrate(options(&schema), Run::Apply).await.unwrap();
    assert_eq!(ran, tried);
    assert!(applied(&schema).await.iter().all(|applied| *applied));
    assert_eq!(migrate(options(&schema), Run::Try).await.unwrap(), Vec::<Migration>::new());
    assert_eq!(migrate(options(&schema), Run::Apply).await.unwrap(), Vec::<Migration>::new());
}

#[tokio::test]
async fn a_trial_of_the_last_migration_leaves_those_before_it() {
    const TABLES: &str =
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = $1";
    let (_db, schema) = database().await;
    let mut conn = schema.connection().await;
    // As if the version before this one had run.
    let last = migrations(options(&schema)).await.unwrap().pop().unwrap();
    conn.execute("DROP TABLE waypost_limit; DELETE FROM waypost_migration WHERE version = 4").await.unwrap();
    let before = number_of(TABLES, &schema).await;
    let tried = migrate(options(&schema), Run::Try).await.unwrap();
    assert_eq!(tried.iter().map(|migration| migration.version).collect::<Vec<_>>(), [4]);
    assert_eq!(number_of(TABLES, &schema).await, before);
    assert!(last.applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_nodes_that_start_at_once_one_migrates() {
    const RUN: &str = "SELECT count(*) FROM waypost_migration WHERE $1 <> ''";
    let schema = Schema::fresh();
    let starts = (0..4).map(|_| tokio::spawn(Postgres::open(options(&schema))));
    let mut epochs = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        epochs.push(start.await.unwrap().expect("the others wait for it").epoch());
    }
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0]), "and see one log of events");
    assert_eq!(number_of(RUN, &schema).await, migrations(options(&schema)).await.unwrap().len() as i64);
}

#[tokio::test]
async fn a_migration_of_the_next_version_does_not_hinder_this_one() {
    const NEXT: &str = "INSERT INTO waypost_migration (version, description, success, checksum, execution_time) \
        VALUES (9000, 'next', true, '', 0)";
    let (_db, schema) = database().await;
    schema.connection().await.execute(NEXT).await.unwrap();
    Postgres::open(options(&schema)).await.expect("a node that is restarted in the middle of an upgrade comes back");
    assert!(applied(&schema).await.iter().all(|applied| *applied));
}

#[tokio::test]
async fn tables_of_another_program_are_refused() {
    let (_db, schema) = database().await;
    schema.connection().await.execute("UPDATE waypost_migration SET checksum = '' WHERE version = 1").await.unwrap();
    let changed = Postgres::open(options(&schema)).await.expect_err("that is not our first migration");
    assert_eq!(changed.kind(), Kind::Conflict);
    schema.connection().await.execute("UPDATE waypost_migration SET version = -1 WHERE version = 1").await.unwrap();
    let unknown = Postgres::open(options(&schema)).await.expect_err("nor is that one ours");
    assert_eq!(unknown.kind(), Kind::Conflict);
}
