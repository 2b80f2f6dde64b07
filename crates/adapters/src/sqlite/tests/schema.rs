//! Migrations, and what a restart finds.

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use waypost_core::Kind;
use waypost_core::conformance::fixtures::{event, link};
use waypost_core::events::{EventBus as _, EventFilter, Read};
use waypost_core::links::LinkStore as _;
use waypost_core::outbox::Outbox as _;

use super::{Sqlite, SqliteLinkStore, SqliteOptions, database, database_file, insert_all};
use crate::sqlite::{Run, SqliteEventBus, SqliteOutbox, migrate, migrations};

async fn alter(options: &SqliteOptions, sql: &'static str) {
    let mut conn = SqliteConnection::connect_with(&options.writing()).await.unwrap();
    sqlx::query(sql).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

#[tokio::test]
async fn listing_migrations_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let listed = migrations(database_file(&folder)).await.unwrap();
    assert!(!listed.is_empty() && listed.iter().all(|migration| !migration.applied && !migration.sql.is_empty()));
    assert!(!database_file(&folder).path.exists());
}

#[tokio::test]
async fn a_trial_runs_every_step_and_keeps_none() {
    let folder = tempfile::tempdir().unwrap();
    let tried = migrate(database_file(&folder), Run::Try).await.unwrap();
    assert_eq!(migrations(database_file(&folder)).await.unwrap(), tried, "all of them are still missing");
    // A step that cannot work on this database is found by the trial.
    alter(&database_file(&folder), "CREATE TABLE waypost_link (stray INTEGER)").await;
    assert_eq!(migrate(database_file(&folder), Run::Try).await.unwrap_err().kind(), Kind::Internal);
    alter(&database_file(&folder), "DROP TABLE waypost_link").await;
    assert_eq!(migrate(database_file(&folder), Run::Apply).await.unwrap(), tried);
    assert!(migrations(database_file(&folder)).await.unwrap().iter().all(|migration| migration.applied));
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
    let (db, folder) = database().await;
    db.close().await.unwrap();
    let note = "INSERT INTO waypost_migration (version, description, success, checksum, execution_time) \
                VALUES (7001, 'of tomorrow', TRUE, x'00', 0)";
    alter(&database_file(&folder), note).await;
    for refusal in [
        Sqlite::open(database_file(&folder)).await.unwrap_err(),
        migrate(database_file(&folder), Run::Apply).await.unwrap_err(),
        migrations(database_file(&folder)).await.unwrap_err(),
    ] {
        assert_eq!(refusal.kind(), Kind::Conflict);
        assert!(refusal.message().contains("7001"), "{refusal}");
    }
}

#[tokio::test]
async fn a_schema_that_is_not_ours_is_refused() {
    let (db, folder) = database().await;
    db.close().await.unwrap();
    alter(&database_file(&folder), "UPDATE waypost_migration SET checksum = x'00'").await;
    assert_eq!(Sqlite::open(database_file(&folder)).await.unwrap_err().kind(), Kind::Conflict);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_open_a_new_file_at_once_all_find_one_database() {
    let folder = tempfile::tempdir().unwrap();
    let opened: Vec<_> = (0..8).map(|_| tokio::spawn(Sqlite::open(database_file(&folder)))).collect();
    let mut epochs = Vec::new();
    for db in opened {
        epochs.push(db.await.unwrap().unwrap().epoch());
    }
    epochs.dedup();
    assert_eq!(epochs.len(), 1);
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let (db, folder) = database().await;
    insert_all(&db, &[link(1), link(2)]).await.unwrap();
    let positions = SqliteEventBus::new(&db).publish(&[event(8, "lnk_a"), event(9, "lnk_b")]).await.unwrap();
    // Not closed: what a killed process leaves behind, the next one reads from the log.
    let again = Sqlite::open(database_file(&folder)).await.unwrap();
    for db in [db, again] {
        let links = SqliteLinkStore::new(&db);
        assert_eq!(links.get(link(1).workspace, link(1).id).await.unwrap(), Some(link(1)));
        assert_eq!(SqliteOutbox::new(&db).backlog().await.unwrap().waiting, 2);
        let read = SqliteEventBus::new(&db).read(positions[0], &EventFilter::default(), 10).await.unwrap();
        assert!(matches!(read, Read::Events { events, .. } if events[0].position == positions[1]));
    }
}

#[tokio::test]
async fn closing_leaves_one_file() {
    let (db, folder) = database().await;
    insert_all(&db, &[link(1)]).await.unwrap();
    SqliteLinkStore::new(&db).get(link(1).workspace, link(1).id).await.unwrap();
    db.close().await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["waypost.db"]);
    let late = insert_all(&db, &[link(2)]).await.unwrap_err();
    assert_eq!(late.kind(), Kind::Unavailable);
    db.close().await.unwrap();
}
