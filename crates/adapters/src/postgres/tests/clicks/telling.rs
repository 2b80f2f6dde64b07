//! What is owed: rows that others hold, and looks that begin late.

use std::time::Duration;

use sqlx::Executor as _;
use sqlx::postgres::PgConnection;
use waypost_core::clicks::{Telling, Told};

use super::*;

/// How long a link waits.
const EVERY: Duration = Duration::from_millis(250);
/// Holds the row of a link, as one does who has counted for it and not committed yet.
const COUNT: &str = "UPDATE waypost_click_owed SET human = human + 1 WHERE link = $1";

async fn tell(clicks: &PostgresClickStore, now: Timestamp) -> Told {
    clicks.tell(Telling { now, every: EVERY, limit: 100, events: &|_| Vec::new() }).await.unwrap()
}

async fn count(conn: &mut PgConnection, n: u64) {
    conn.execute("BEGIN").await.unwrap();
    let id = sqlx::types::Uuid::from_bytes(link(n).id.to_bytes());
    assert_eq!(sqlx::query(COUNT).bind(id).execute(conn).await.unwrap().rows_affected(), 1);
}

#[tokio::test]
async fn a_row_that_somebody_holds_for_too_long_holds_up_its_own_link_alone() {
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    append(&clicks, &[human(1, at(0)), click(2, &link(2), Class::Human, at(0))]).await;
    let mut holder = schema.connection().await;
    count(&mut holder, 1).await;
    assert_eq!(tell(&clicks, at(0)).await.links, 1, "the other one");
    assert_eq!(tell(&clicks, at(1)).await.links, 0);
    holder.execute("COMMIT").await.unwrap();
    assert_eq!(tell(&clicks, at(2)).await, Told { links: 1, next: None });
}

/// Under load somebody always holds the row of a busy link.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_teller_waits_for_those_who_are_about_to_commit() {
    const WAITS: &str = "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_class ON pg_class.oid = relation WHERE \
        relname = 'waypost_click_owed' AND relnamespace = current_schema()::regnamespace AND locktype = 'tuple')";
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    append(&clicks, &[human(1, at(0))]).await;
    let (mut holder, mut looker) = (schema.connection().await, schema.connection().await);
    // It does not wait for long, and a busy machine may commit too late.
    for second in 0..20 {
        count(&mut holder, 1).await;
        let teller = clicks.clone();
        let telling = tokio::spawn(async move { tell(&teller, at(second)).await });
        while !telling.is_finished() && !looker.fetch_one(WAITS).await.unwrap().get::<bool, _>(0) {
            tokio::task::yield_now().await;
        }
        holder.execute("COMMIT").await.unwrap();
        if telling.await.unwrap().links == 1 {
            return;
        }
    }
    panic!("it never waited");
}

/// Rows that were changed or are gone stay in the index while a transaction is open, before all that are new.
#[tokio::test]
async fn what_stands_far_back_is_found_once_a_minute() {
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    assert_eq!(tell(&clicks, at(0)).await.links, 0, "a first look, at everything");
    append(&clicks, &[human(1, at(0)), click(2, &link(2), Class::Human, at(0))]).await;
    let back = "UPDATE waypost_click_owed SET place = place - interval '1 hour' WHERE link = $1";
    let id = sqlx::types::Uuid::from_bytes(link(1).id.to_bytes());
    sqlx::query(back).bind(id).execute(&mut schema.connection().await).await.unwrap();
    assert_eq!(tell(&clicks, at(1)).await.links, 1, "the one that has just come");
    for second in (2..=60).step_by(2) {
        assert_eq!(tell(&clicks, at(second)).await.links, 0);
    }
    assert_eq!(tell(&clicks, at(61)).await.links, 1);
}

/// Its row may still be there from the last time, and stands where that was.
#[tokio::test]
async fn the_first_click_after_a_pause_is_told_by_the_next_look() {
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    append(&clicks, &[human(1, at(0))]).await;
    assert_eq!(tell(&clicks, at(0)).await.links, 1);
    let pause = "UPDATE waypost_click_owed SET place = place - interval '1 minute'";
    assert_eq!(schema.connection().await.execute(pause).await.unwrap().rows_affected(), 1);
    append(&clicks, &[human(2, at(1))]).await;
    append(&clicks, &[human(3, at(1))]).await;
    assert_eq!(tell(&clicks, at(1)).await, Told { links: 1, next: None });
}

/// Only the first of the batches that come between two tellings changes the index of turns.
#[tokio::test]
async fn a_link_keeps_its_turn_while_it_is_owed() {
    const PLACE: &str = "SELECT place::text FROM waypost_click_owed";
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    let mut looker = schema.connection().await;
    append(&clicks, &[human(1, at(0))]).await;
    assert_eq!(tell(&clicks, at(0)).await.links, 1);
    let mut places = vec![looker.fetch_one(PLACE).await.unwrap().get::<String, _>(0)];
    for n in 2..5 {
        append(&clicks, &[human(n, at(0))]).await;
        places.push(looker.fetch_one(PLACE).await.unwrap().get(0));
    }
    assert_ne!(places[0], places[1]);
    assert!(places[2..].iter().all(|place| *place == places[1]), "{places:?}");
}

/// So many a look, and what is more by the looks that follow.
#[tokio::test]
async fn links_that_were_told_are_forgotten_though_nothing_is_due() {
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    let batch: Vec<_> = (1..=150).map(|n| click(n, &link(n), Class::Human, at(0))).collect();
    append(&clicks, &batch).await;
    assert_eq!((tell(&clicks, at(0)).await.links, tell(&clicks, at(0)).await.links), (100, 50));
    let mut conn = schema.connection().await;
    conn.execute("UPDATE waypost_click_owed SET place = place - interval '1 minute'").await.unwrap();
    for second in (2..=60).step_by(2) {
        assert_eq!(tell(&clicks, at(second)).await, Told::default());
    }
    let mut left = Vec::new();
    for second in 60..=62 {
        assert_eq!(tell(&clicks, at(second)).await, Told::default());
        let rows = conn.fetch_one("SELECT count(*) FROM waypost_click_owed").await.unwrap();
        left.push(rows.get::<i64, _>(0));
    }
    assert_eq!(left, [150, 50, 0], "from the whole look on");
}

/// A node that did not look for a while looks at everything.
#[tokio::test]
async fn what_was_left_behind_by_an_outage_is_told_after_it() {
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    assert_eq!(tell(&clicks, at(0)).await.links, 0);
    append(&clicks, &[human(1, at(0))]).await;
    let back = "UPDATE waypost_click_owed SET place = place - interval '1 hour'";
    schema.connection().await.execute(back).await.unwrap();
    assert_eq!(tell(&clicks, at(6)).await.links, 1);
}

/// Nodes of the version before add to totals alone, and tell by themselves.
#[tokio::test]
async fn what_a_node_of_the_version_before_counts_is_not_told_again() {
    const OLD: &str = "INSERT INTO waypost_click_total AS had (link, workspace, human, bot, duplicate) \
        VALUES ($1, $2, 5, 0, 0) ON CONFLICT (link) DO UPDATE SET human = had.human + 5";
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    let ids = [link(1).id.to_bytes(), link(1).workspace.to_bytes()].map(sqlx::types::Uuid::from_bytes);
    let mut old = schema.connection().await;
    let mut told = Vec::new();
    for second in 0..2 {
        sqlx::query(OLD).bind(ids[0]).bind(ids[1]).execute(&mut old).await.unwrap();
        append(&clicks, &[human(second, at(0))]).await;
        let seen = std::sync::Mutex::new(Vec::new());
        let events = |owed: &[waypost_core::clicks::Owed]| {
            seen.lock().unwrap().extend_from_slice(owed);
            Vec::new()
        };
        let now = at(i64::try_from(second).unwrap());
        clicks.tell(Telling { now, every: EVERY, limit: 100, events: &events }).await.unwrap();
        told.extend(seen.into_inner().unwrap().iter().map(|owed| (owed.clicks.human, owed.total.human)));
    }
    assert_eq!(told, [(1, 6), (1, 12)]);
}
