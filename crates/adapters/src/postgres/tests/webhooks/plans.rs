//! How PostgreSQL runs the statements of webhooks: each finds its rows by an index, however few there were when it was
//! planned, and reads no others.

use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use waypost_core::conformance::fixtures::at;
use waypost_core::page::Limit;
use waypost_core::webhooks::{DeliveryLog as _, DeliveryQuery, DeliveryStatus, Held};

use super::*;
use crate::postgres::webhooks::statements;

const NO_ID: &str = "'{}'::uuid[]";
const ID: &str = "'01010101-0101-0101-0101-010101010101'";
const IDS: &str = "ARRAY['01010101-0101-0101-0101-010101010101']::uuid[]";
const NOW: &str = "'2026-11-02 00:01:00Z'";

/// The plan that every call shares, as it is made in a transaction on what is owed.
async fn plan(conn: &mut PgConnection, how: &str, sql: &str, values: &[&str]) -> Value {
    conn.execute(statements::BEGIN).await.unwrap();
    conn.execute(AssertSqlSafe(format!("PREPARE planned AS {sql}"))).await.unwrap();
    let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
    let explain = format!("EXPLAIN ({how} FORMAT JSON) EXECUTE planned {values}");
    let plan = conn.fetch_one(AssertSqlSafe(explain)).await.unwrap().get(0);
    conn.execute("ROLLBACK; DEALLOCATE planned").await.unwrap();
    plan
}

/// Pages that a look at what is due of the first endpoint reads.
async fn pages_read(schema: &Schema, now: &str) -> u64 {
    let mut conn = schema.connection().await;
    let plan = plan(&mut conn, "ANALYZE, BUFFERS,", statements::DUE, &[IDS, "ARRAY[32]", now]).await;
    let count = |name: &str| plan[0]["Plan"][name].as_u64().unwrap();
    count("Shared Hit Blocks") + count("Shared Read Blocks")
}

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let (store, schema) = registered(&[ordered(1)]).await;
    // So that there are two days.
    store.enqueue(&[delivery(&ordered(1), 1, 60)], at(60)).await.unwrap();
    let mut conn = schema.connection().await;
    let page = [ID, ID, ID, "NULL", "NULL", "NULL", "20"];
    let given = ["ARRAY[now()]", IDS, IDS];
    let again = ["now()", ID, "NULL", "NULL", "'{}'", "'{}'", "5"];
    let stand = [IDS, "'{0}'", "'{null}'", "'{0}'", "'{null}'", "'{null}'", "'{t}'", "'{null}'", "'{null}'"];
    let owed = "waypost_delivery_owed_pkey";
    let day = "waypost_delivery_20261102_pkey";
    let failed = "waypost_delivery_failed_20261102_pkey";
    let attempt = "waypost_attempt_20261102_pkey";
    let (queue, due, key) = ("waypost_webhook_queue_pkey", "waypost_delivery_owed_due", "waypost_delivery_owed_key");
    for (sql, values, indexes) in [
        (statements::CLAIM, &[NOW, NOW, "64"][..], &["waypost_webhook_queue_due", "waypost_webhook_id"][..]),
        (statements::RENEW, &[IDS, NOW, "'{1}'"], &[queue, "waypost_webhook_id"]),
        (statements::DUE, &[IDS, "'{32}'", NOW], &[queue, due, day]),
        (statements::GIVE_BACK, &[IDS, NOW], &[queue, due]),
        (statements::OWE_LOCK, &[IDS, NOW], &[queue]),
        (statements::SETTLE_LOCK, &[IDS], &[queue]),
        (statements::RETRY, &[given[0], IDS, IDS, given[0], "'{1}'"], &[owed]),
        (statements::DONE, &[given[0], IDS, IDS, "'{null}'", "'{null}'", given[0]], &[owed, attempt]),
        (statements::NEXT, &[IDS, "'{1}'", given[0]], &[key, owed]),
        (statements::STAND, &stand, &[queue, due]),
        (statements::REDRIVE_ONE, &[NOW, ID, ID], &[day, key]),
        (statements::REDRIVE_OWED, &[NOW, ID, ID], &[day, owed]),
        (statements::REDRIVE_FAILED, &again, &[failed, day, key]),
        (statements::OLDEST, &[], &["waypost_webhook_queue_due", due]),
        (statements::ALL, &page, &[day, owed, failed, attempt]),
        (statements::DELIVERED, &page, &[day, owed, failed, attempt]),
        (statements::FAILED, &page, &[failed, day]),
        (statements::WAITING, &page, &[due, day]),
        (statements::MANY_WAITING, &page, &[day, owed, failed, attempt]),
        (statements::ARE_MANY, &[ID, "20000"], &[due]),
        (statements::ONE, &[ID, ID, ID], &[day, owed, failed, attempt]),
        (statements::ATTEMPTS, &[ID, ID, NOW], &[attempt]),
        (statements::IS_OWED, &[NOW, NOW], &[owed]),
        (statements::HOURS, &[NOW, "5"], &["waypost_webhook_hour_age", "waypost_webhook_hour_pkey"]),
    ] {
        let plan = plan(&mut conn, "", sql, values).await;
        let text = plan.to_string();
        for index in indexes {
            assert!(text.contains(&format!("\"{index}\"")), "{index}: {sql}\n{plan:#}");
        }
        assert!(!text.contains("Seq Scan"), "{sql}\n{plan:#}");
    }
    let none = plan(&mut conn, "", statements::DUE, &[NO_ID, "'{}'", NOW]).await.to_string();
    assert!(
        !none.contains("\"Sort Key\":[\"owed.due_at\",\"owed.place\"]"),
        "what is due is read in its order: {none}"
    );
}

/// What is owed to one endpoint, a second apart, all of one day.
const FILL: &str = "WITH made AS (INSERT INTO waypost_delivery SELECT '01010101-0101-0101-0101-010101010101', \
    lpad(to_hex(n), 32, '0')::uuid, '2026-11-02 00:00:00Z', 'link.created', 1, md5('w')::uuid, NULL, NULL, '{}', 7, n, NULL \
    FROM generate_series($1, $2) AS n RETURNING *) INSERT INTO waypost_delivery_owed \
    SELECT created_at, id, endpoint, created_at, place, 0, NULL FROM made";

#[tokio::test]
async fn a_look_reads_no_more_where_a_hundred_times_as_much_is_owed() {
    let (store, schema) = registered(&[endpoint(1)]).await;
    store.enqueue(&[delivery(&endpoint(1), 1, 0)], at(0)).await.unwrap();
    let mut conn = schema.connection().await;
    sqlx::query(FILL).bind(10_i32).bind(1_000_i32).execute(&mut conn).await.unwrap();
    let few = pages_read(&schema, NOW).await;
    sqlx::query(FILL).bind(1_001_i32).bind(100_000_i32).execute(&mut conn).await.unwrap();
    let many = pages_read(&schema, NOW).await;
    assert!(few > 32 && many <= few + 2 * 33 + 10, "a level more of the index: {few}, {many}");
    assert_eq!(claimed(&store, 60).await[0].due.len(), 100);
    assert_eq!(store.backlog().await.unwrap().waiting, 99_992);
    let status = Some(DeliveryStatus::Waiting);
    let (kind, created_after, created_before, after) = (None, None, None, None);
    let (workspace, endpoint, limit) = (workspace(1), endpoint(1).id, Limit::MAX);
    let query = DeliveryQuery { workspace, endpoint, status, kind, created_after, created_before, after, limit };
    let page = store.deliveries(&query).await.unwrap();
    let newest: Vec<_> = page.rows.iter().map(|record| record.delivery.position.offset).collect();
    assert_eq!(newest, (99_902..=100_001).rev().map(|n| if n > 100_000 { 1 } else { n }).collect::<Vec<_>>());
}

/// One transaction that is left open keeps what was delivered since in the index: a look does not step over it.
#[tokio::test]
async fn a_look_steps_over_little_while_a_transaction_is_left_open() {
    const ROUNDS: i64 = 40;
    let (store, schema) = registered(&[endpoint(1)]).await;
    let mut open = schema.connection().await;
    open.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM waypost_webhook").await.unwrap();
    let mut held: Vec<Claimed> = Vec::new();
    for round in 0..ROUNDS {
        let some: Vec<_> = (0..100).map(|n| delivery(&endpoint(1), (round * 100 + n + 1).unsigned_abs(), 0)).collect();
        store.enqueue(&some, at(round * 2)).await.unwrap();
        held = if round == 0 {
            claimed(&store, 0).await
        } else {
            let held = [Held { endpoint: endpoint(1).id, token: held[0].token, want: 100 }];
            store.refill(&held, at(round * 2), LEASE).await.unwrap()
        };
        assert_eq!(held[0].due.len(), 100);
        let arrived = arrived(&held[0], round * 2, Hold::Keep);
        assert_eq!(store.settle(&[arrived]).await.unwrap().len(), 1);
    }
    store.enqueue(&[delivery(&endpoint(1), 10_000, 0)], at(2 * ROUNDS)).await.unwrap();
    let later = "'2026-11-02 00:10:00Z'";
    let read = pages_read(&schema, later).await;
    let forget = "UPDATE waypost_webhook_queue SET floor_at = '-infinity'";
    schema.connection().await.execute(forget).await.unwrap();
    let from_the_beginning = pages_read(&schema, later).await;
    open.execute("ROLLBACK").await.unwrap();
    assert!(3 * read < from_the_beginning, "what the last round left, not all of them: {read}, {from_the_beginning}");
}
