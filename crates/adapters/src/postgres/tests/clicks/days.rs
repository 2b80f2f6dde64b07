//! A partition a day.

use std::time::Duration;

use sqlx::{Executor as _, Row as _};
use waypost_core::clicks::ClickStore as _;

use super::*;

#[tokio::test]
async fn a_click_lies_in_its_day_and_the_next_day_is_there_before_its_first_click() {
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    let last = at(DAY) - Duration::from_micros(1);
    append(&clicks, &[human(1, at(0)), human(2, last), human(3, at(DAY))]).await;
    let ask = "SELECT tableoid::regclass::text FROM waypost_click ORDER BY id";
    let rows = schema.connection().await.fetch_all(ask).await.unwrap();
    let days: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(days, ["waypost_click_20261102", "waypost_click_20261102", "waypost_click_20261103"]);
    let made = ["waypost_click_20261102", "waypost_click_20261103", "waypost_click_20261104"];
    assert_eq!(tables(&schema).await, made);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_make_the_same_days_at_once_make_each_once() {
    let (_db, schema) = database().await;
    let mut tasks = Vec::new();
    for turn in 0..4_u64 {
        let clicks = node(&schema).await;
        tasks.push(tokio::spawn(async move {
            let batch: Vec<_> =
                (0..10).map(|day| human(turn * 10 + day, at(DAY * i64::try_from(day).unwrap()))).collect();
            append(&clicks, &batch).await.counted
        }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap(), 10);
    }
    assert_eq!(tables(&schema).await.len(), 11);
    assert_eq!(node(&schema).await.list(link(1).workspace, None, 100).await.unwrap().len(), 40);
}

#[tokio::test]
async fn a_day_that_another_node_has_removed_is_made_again() {
    let (db, schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    append(&clicks, &[human(1, at(0))]).await;
    assert_eq!(node(&schema).await.forget(at(DAY), 10).await.unwrap(), 1);
    assert_eq!(append(&clicks, &[human(2, at(1))]).await.counted, 1);
    assert_eq!(clicks.list(link(1).workspace, None, 10).await.unwrap(), [human(2, at(1))]);
}
