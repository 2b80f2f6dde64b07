//! Nodes that count at once.

use std::collections::BTreeMap;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_append_the_same_batch_at_once_count_it_once() {
    let (_db, schema) = database().await;
    let batch: Vec<_> = (0..500).map(|n| human(n, at(i64::try_from(n).unwrap() * 60))).collect();
    let mut tasks = Vec::new();
    for _ in 0..2 {
        let (clicks, batch) = (node(&schema).await, batch.clone());
        tasks.push(tokio::spawn(async move { append(&clicks, &batch).await }));
    }
    let mut sum = Appended::default();
    for task in tasks {
        let appended = task.await.unwrap();
        sum.counted += appended.counted;
        sum.repeated += appended.repeated;
    }
    assert_eq!(sum, Appended { counted: 500, repeated: 500 });
    assert_eq!(stats(&node(&schema).await, Facet::Country).await.total.counted(), 500);
}

/// Each node meets the links, and the clicks that all of them were given, in an order of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_that_interleave_over_many_links_do_not_stand_in_each_others_way() {
    const NODES: u64 = 4;
    const ROUNDS: u64 = 12;
    const LINKS: u64 = 60;
    let (_db, schema) = database().await;
    let mut tasks = Vec::new();
    for turn in 0..NODES {
        let clicks = node(&schema).await;
        tasks.push(tokio::spawn(async move {
            let mut counted = 0;
            for round in 0..ROUNDS {
                let own = |n| click(1_000_000 * (turn + 1) + 1_000 * round + n, &link(n), Class::Human, at(0));
                let shared = |n| click(1_000 * round + n, &link(n), Class::Bot, at(DAY));
                let mut batch: Vec<_> = (0..LINKS).flat_map(|n| [own(n), shared(n)]).collect();
                let first = usize::try_from(turn * 31 + round * 7).unwrap() % batch.len();
                batch.rotate_left(first);
                if turn % 2 == 1 {
                    batch.reverse();
                }
                counted += append(&clicks, &batch).await.counted;
            }
            counted
        }));
    }
    let mut counted = 0;
    for task in tasks {
        counted += task.await.unwrap();
    }
    let expected = ROUNDS * LINKS * (NODES + 1);
    assert_eq!(counted, usize::try_from(expected).unwrap());
    let total = stats(&node(&schema).await, Facet::Country).await.total;
    assert_eq!((total.human, total.bot), (ROUNDS * NODES, ROUNDS));
}

#[tokio::test]
async fn what_postgres_cannot_hold_does_not_stop_the_clicks() {
    let (db, _schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    let mut spoilt = human(1, at(0));
    spoilt.visitor.referrer = Some("ex\0ample.org".into());
    spoilt.visitor.os = Some("o".repeat(10_000).into());
    assert_eq!(append(&clicks, &[spoilt.clone(), human(2, at(0))]).await.counted, 2);
    let referrers = stats(&clicks, Facet::Referrer).await.groups;
    assert_eq!(referrers.iter().filter(|group| group.value.as_deref() == Some("example.org")).count(), 1);
    assert_eq!(append(&clicks, &[spoilt]).await.repeated, 1);
}

/// A thousand values of a facet, a link and a day have a row of their own, the others share one.
#[tokio::test]
async fn referrers_that_a_stranger_makes_up_are_bounded() {
    const MADE_UP: u64 = 1_500;
    let (db, _schema) = database().await;
    let clicks = PostgresClickStore::new(&db);
    let from = |n: u64, host: String| {
        let mut click = human(n, at(0));
        click.visitor.referrer = Some(host.into());
        click
    };
    append(&clicks, &(0..900).map(|n| from(n, format!("first-{n}"))).collect::<Vec<_>>()).await;
    append(&clicks, &(0..MADE_UP).map(|n| from(10_000 + n, format!("made-up-{n}"))).collect::<Vec<_>>()).await;
    append(&clicks, &(0..900).map(|n| from(20_000 + n, format!("first-{n}"))).collect::<Vec<_>>()).await;
    append(&clicks, &[from(30_000, "late".into())]).await;
    let found = stats(&clicks, Facet::Referrer).await;
    let groups: BTreeMap<_, _> =
        found.groups.iter().map(|group| (group.value.as_deref().unwrap_or_default(), group.counts.human)).collect();
    assert_eq!(groups.len(), 1_001);
    assert_eq!(groups["(other)"], MADE_UP - 100 + 1);
    assert!((0..900).all(|n| groups[&*format!("first-{n}")] == 2), "what has a row keeps it");
    assert_eq!(groups.values().sum::<u64>(), found.total.human, "all of them are counted");
    let next_day = Click { at: at(DAY), ..from(40_000, "late".into()) };
    append(&clicks, &[next_day]).await;
    assert!(stats(&clicks, Facet::Referrer).await.groups.iter().any(|group| group.value.as_deref() == Some("late")));
}
