//! Days that go.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor as _, Row as _};
use waypost_core::clicks::ClickStore as _;

use super::*;

#[tokio::test]
async fn retention_drops_whole_days_and_takes_rows_of_the_day_it_stands_in() {
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    let batch: Vec<_> = (0..30).map(|n: u64| human(n, at(i64::try_from(n).unwrap() * DAY / 10))).collect();
    append(&clicks, &batch).await;
    let before = stats(&clicks, Facet::Referrer).await;
    assert_eq!(tables(&schema).await.len(), 4);
    assert_eq!(clicks.forget(at(DAY + DAY / 2), 12).await.unwrap(), 12, "a day, and two rows up to the limit");
    assert_eq!(tables(&schema).await.len(), 3, "the table has gone with the rows");
    assert_eq!(clicks.forget(at(DAY + DAY / 2), 12).await.unwrap(), 3);
    assert_eq!(clicks.forget(at(DAY + DAY / 2), 12).await.unwrap(), 0);
    assert_eq!(clicks.list(link(1).workspace, None, 100).await.unwrap(), batch[15..]);
    assert_eq!(stats(&clicks, Facet::Referrer).await, before);
}

#[tokio::test]
async fn of_two_who_forget_at_once_one_does() {
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    append(&clicks, &[human(1, at(0)), human(2, at(DAY))]).await;
    let other = node(&schema).await;
    let (one, two) = tokio::join!(clicks.forget(at(10 * DAY), 10), other.forget(at(10 * DAY), 10));
    assert_eq!(one.unwrap() + two.unwrap(), 2);
    assert_eq!(tables(&schema).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_day_that_was_detached_by_one_who_died_is_dropped_by_the_next() {
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    append(&clicks, &[human(1, at(0)), human(2, at(0))]).await;
    let detach = "ALTER TABLE waypost_click DETACH PARTITION waypost_click_20261102";
    schema.connection().await.execute(detach).await.unwrap();
    assert_eq!(clicks.forget(at(DAY), 10).await.unwrap(), 2);
    assert_eq!(tables(&schema).await, ["waypost_click_20261103"]);
}

/// While a reader of all days is at work, a day cannot go; nobody else waits for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clicks_are_counted_while_retention_waits_and_what_it_left_is_finished() {
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    append(&clicks, &[human(1, at(0)), human(2, at(DAY))]).await;
    let mut reader = schema.connection().await;
    reader.execute("BEGIN").await.unwrap();
    reader.fetch_one("SELECT count(*) FROM waypost_click").await.unwrap();
    let waiting = tokio::spawn({
        let clicks = clicks.clone();
        async move { clicks.forget(at(DAY), 10).await }
    });
    let pending = "SELECT EXISTS (SELECT FROM pg_inherits \
                   WHERE inhdetachpending AND inhparent = 'waypost_click'::regclass)";
    let mut looker = schema.connection().await;
    for looks in 0.. {
        assert!(looks < 10_000, "it waits");
        if looker.fetch_one(pending).await.unwrap().get(0) {
            break;
        }
    }
    let counted = tokio::time::timeout(Duration::from_secs(5), append(&clicks, &[human(3, at(DAY))])).await;
    assert_eq!(counted.expect("it does not wait").counted, 1);
    // Given up in the middle, as by a node that dies.
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    reader.execute("ROLLBACK").await.unwrap();
    let mut forgotten = 0;
    for looks in 0.. {
        assert!(looks < 10_000, "the server notices that the node is gone");
        forgotten += clicks.forget(at(DAY), 10).await.unwrap();
        if forgotten > 0 {
            break;
        }
    }
    assert_eq!(forgotten, 1);
    assert_eq!(tables(&schema).await, ["waypost_click_20261103", "waypost_click_20261104"]);
}

#[tokio::test]
async fn tables_of_others_stay() {
    let (db, schema) = database().await;
    let mut conn = schema.connection().await;
    for name in ["waypost_click_notes", "waypost_click_202611021", "waypost_clicks_20261102"] {
        conn.execute(AssertSqlSafe(format!("CREATE TABLE {name} ()"))).await.unwrap();
    }
    assert_eq!(PostgresClickStore::new(&db).forget(at(100 * DAY), 10).await.unwrap(), 0);
    let tables = conn.fetch_all("SELECT to_regclass('waypost_click_notes'), to_regclass('waypost_click_202611021')");
    assert!(tables.await.unwrap()[0].try_get_raw(0).is_ok());
}
