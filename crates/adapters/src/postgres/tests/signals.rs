//! Word between nodes: what comes of it when connections are cut, and who hears it.

use std::time::Duration;

use sqlx::postgres::{PgConnection, PgListener, PgPoolOptions};
use waypost_core::conformance::fixtures::{event, seconds, slug};
use waypost_core::links::{Domain, Heard, Invalidations as _, LinkName, Listener};
use waypost_core::outbox::Outbox as _;

use super::{database, options};
use crate::postgres::columns::Columns as _;
use crate::postgres::signals::Signal;
use crate::postgres::{Postgres, PostgresInvalidations, PostgresOutbox};

fn name(n: u64) -> LinkName {
    LinkName { domain: Domain::main(), slug: slug(&format!("link-{n}")) }
}

async fn next(listener: &mut Box<dyn Listener>) -> Heard {
    tokio::time::timeout(seconds(20), listener.next()).await.expect("a word")
}

/// The backends that listen to this schema and have said nothing since.
async fn listening(conn: &mut PgConnection) -> Vec<i32> {
    const LISTENING: &str = "SELECT pid FROM pg_stat_activity \
        WHERE query = 'LISTEN \"waypost_' || 'waypost_event_log'::regclass::oid || '\"'";
    let rows = sqlx::query(LISTENING).fetch_all(conn).await.unwrap();
    rows.iter().map(|row| row.at(0).unwrap()).collect()
}

#[tokio::test]
async fn a_listener_whose_connection_was_ended_hears_of_it_and_goes_on() {
    let (db, schema) = database().await;
    let mut conn = schema.connection().await;
    let carrier = PostgresInvalidations::new(&db);
    let mut listener = carrier.listen().await.unwrap();
    let backends = listening(&mut conn).await;
    assert_eq!(backends.len(), 1, "one connection of the handle listens");
    sqlx::query("SELECT pg_terminate_backend($1)").bind(backends[0]).execute(&mut conn).await.unwrap();
    assert_eq!(next(&mut listener).await, Heard::Everything, "it may have missed something");
    for n in 1..=3 {
        carrier.announce(&[name(n)]).await.unwrap();
        assert_eq!(next(&mut listener).await, Heard::Names(vec![name(n)]));
    }
}

#[tokio::test]
async fn who_waits_is_woken_when_the_connection_is_back() {
    let (first, schema) = database().await;
    let second = Postgres::open(options(&schema)).await.unwrap();
    let mut conn = schema.connection().await;
    let waiter = tokio::spawn({
        let there = PostgresOutbox::new(&second);
        async move { there.wait().await }
    });
    for backend in listening(&mut conn).await {
        sqlx::query("SELECT pg_terminate_backend($1)").bind(backend).execute(&mut conn).await.unwrap();
    }
    PostgresOutbox::new(&first).append(&[event(1, "lnk_a")]).await.unwrap();
    tokio::time::timeout(seconds(20), waiter).await.expect("told, or woken since it may have missed it").unwrap();
}

#[tokio::test]
async fn schemas_of_one_database_do_not_hear_each_other() {
    let (here, _here) = database().await;
    let (there, _there) = database().await;
    let (here, there) = (PostgresInvalidations::new(&here), PostgresInvalidations::new(&there));
    let mut listener = there.listen().await.unwrap();
    here.announce(&[name(1)]).await.unwrap();
    there.announce(&[name(2)]).await.unwrap();
    assert_eq!(next(&mut listener).await, Heard::Names(vec![name(2)]));
}

#[tokio::test]
async fn a_busy_node_tells_the_others_now_and_then() {
    let (db, schema) = database().await;
    let mut conn = schema.connection().await;
    let pool = PgPoolOptions::new().max_connections(1).connect(&schema.url).await.unwrap();
    let mut outsider = PgListener::connect_with(&pool).await.unwrap();
    const CHANNEL: &str = "SELECT 'waypost_' || 'waypost_event_log'::regclass::oid";
    let channel: String = sqlx::query(CHANNEL).fetch_one(&mut conn).await.unwrap().at(0).unwrap();
    outsider.listen(&channel).await.unwrap();
    for _ in 0..10_000 {
        db.signals().wake(Signal::Outbox);
        db.signals().wake(Signal::Bus);
        tokio::task::yield_now().await;
    }
    sqlx::query("SELECT pg_notify($1, 'the last')").bind(&channel).execute(&mut conn).await.unwrap();
    let mut told = 0;
    while outsider.recv().await.unwrap().payload() != "the last" {
        told += 1;
    }
    assert!((1..1_000).contains(&told), "{told} messages for 20,000 wakes");
}

#[tokio::test]
async fn a_handle_that_is_gone_listens_no_more() {
    let (db, schema) = database().await;
    let mut conn = schema.connection().await;
    assert_eq!(listening(&mut conn).await.len(), 1);
    drop(db);
    let gone = async { while !listening(&mut conn).await.is_empty() {} };
    tokio::time::timeout(seconds(20), gone).await.expect("its connection ends");

    let again = Postgres::open(options(&schema)).await.unwrap();
    again.close().await;
    let gone = async { while !listening(&mut conn).await.is_empty() {} };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("its connection ends");
}
