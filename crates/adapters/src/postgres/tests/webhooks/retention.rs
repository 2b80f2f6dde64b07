//! Days that come and go.

use sqlx::AssertSqlSafe;
use waypost_core::conformance::fixtures::at;
use waypost_core::webhooks::DeliveryLog as _;

use super::*;

/// The tables of days, attached or not.
async fn tables(schema: &Schema) -> Vec<String> {
    const TABLES: &str = "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace \
        AND c.relkind = 'r' AND c.relname ~ '^waypost_(delivery|delivery_failed|attempt)_[0-9]{8}$' ORDER BY 1";
    let rows = schema.connection().await.fetch_all(TABLES).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0).replace("waypost_", "")).collect()
}

/// A delivery of the first day that has arrived, or is owed until the third.
async fn one(ruling: DeliveryRuling) -> (PostgresWebhookStore, Schema) {
    let (store, schema) = registered(&[endpoint(1)]).await;
    let one = delivery(&endpoint(1), 1, 60);
    store.enqueue(std::slice::from_ref(&one), at(60)).await.unwrap();
    let claimed = claimed(&store, 60).await;
    let outcome = settlement(&claimed[0], vec![settled(&one, 60, ruling)], Hold::Release);
    assert_eq!(store.settle(&[outcome]).await.unwrap().len(), 1);
    (store, schema)
}

#[tokio::test]
async fn a_day_has_a_table_of_each_kind_and_so_has_the_next() {
    let (store, schema) = one(DeliveryRuling::Delivered).await;
    let days = |names: [&str; 3]| -> Vec<String> {
        names.iter().flat_map(|name| ["20261102", "20261103"].map(|day| format!("{name}_{day}"))).collect()
    };
    let mut all = days(["attempt", "delivery", "delivery_failed"]);
    all.sort();
    let mut found = tables(&schema).await;
    found.sort();
    assert_eq!(found, all);
    assert_eq!(store.trim(at(DAY)).await.unwrap(), 1);
    assert_eq!(tables(&schema).await, ["attempt_20261103", "delivery_20261103", "delivery_failed_20261103"]);
    assert_eq!(store.trim(at(5 * DAY)).await.unwrap(), 0, "a day of which nothing was kept is not told");
    assert_eq!(tables(&schema).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_day_that_another_node_has_removed_is_made_again() {
    let (store, schema) = one(DeliveryRuling::Delivered).await;
    let other = PostgresWebhookStore::new(&crate::postgres::Postgres::open(options(&schema)).await.unwrap());
    assert_eq!(other.trim(at(DAY)).await.unwrap(), 1);
    assert_eq!(store.enqueue(&[delivery(&endpoint(1), 2, 61)], at(DAY)).await.unwrap(), 1);
    assert_eq!(numbers(&claimed(&store, DAY).await), [[2]]);
}

/// Retention found the day settled, and something of it became owed before the day was off.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_day_of_which_something_becomes_owed_meanwhile_is_given_back() {
    let (store, schema) = one(DeliveryRuling::Delivered).await;
    let mut redrive = schema.connection().await;
    let again = "BEGIN; SELECT FROM waypost_webhook_queue FOR UPDATE; \
        INSERT INTO waypost_delivery_owed (created_at, id, endpoint, due_at, place, tried) \
        SELECT created_at, id, endpoint, created_at, place, 0 FROM waypost_delivery; \
        UPDATE waypost_webhook_queue SET due_at = '-infinity', floor_at = '-infinity'";
    redrive.execute(again).await.unwrap();
    let trim = tokio::spawn({
        let store = store.clone();
        async move { store.trim(at(5 * DAY)).await.unwrap() }
    });
    waiting(&schema, 1).await;
    redrive.execute("COMMIT").await.unwrap();
    assert_eq!(trim.await.unwrap(), 0);
    assert_eq!(numbers(&claimed(&store, 5 * DAY).await), [[1]]);
}

/// A node died between taking a day off and finding that something of it is owed.
#[tokio::test]
async fn a_day_that_is_off_and_of_which_something_is_owed_is_put_back() {
    let (store, schema) = one(DeliveryRuling::Retry(at(3 * DAY))).await;
    for table in ["waypost_delivery", "waypost_attempt"] {
        let detach = format!("ALTER TABLE {table} DETACH PARTITION {table}_20261102");
        schema.connection().await.execute(AssertSqlSafe(detach)).await.unwrap();
    }
    assert_eq!(store.trim(at(5 * DAY)).await.unwrap(), 0);
    assert_eq!(numbers(&claimed(&store, 5 * DAY).await), [[1]]);
    let found = store.delivery(workspace(1), endpoint(1).id, delivery(&endpoint(1), 1, 60).id()).await.unwrap();
    assert_eq!(found.expect("it is there").1.len(), 1);
}

#[tokio::test]
async fn of_two_who_trim_at_once_one_does() {
    let (store, schema) = one(DeliveryRuling::Delivered).await;
    let other = PostgresWebhookStore::new(&crate::postgres::Postgres::open(options(&schema)).await.unwrap());
    let (one, two) = tokio::join!(store.trim(at(5 * DAY)), other.trim(at(5 * DAY)));
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    assert_eq!(tables(&schema).await, Vec::<String>::new());
}
