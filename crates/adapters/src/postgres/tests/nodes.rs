//! Several nodes on one database: handles that know nothing of each other.

use std::collections::BTreeMap;
use std::time::Duration;

use waypost_core::conformance::fixtures::{at, claim, edited, event, insert, key, link, link_id, plain, slug, update};
use waypost_core::idempotency::{Claim, IdempotencyStore as _};
use waypost_core::limits::{Algorithm, Policy, RateLimiter as _};
use waypost_core::links::{Atomicity, Link, LinkStore as _, Refusal, Version, Written};
use waypost_core::outbox::Outbox as _;

use super::{Postgres, Schema, database, options};
use crate::postgres::{PostgresIdempotencyStore, PostgresLinkStore, PostgresOutbox, PostgresRateLimiter};

async fn two_nodes() -> ([Postgres; 2], Schema) {
    let (first, schema) = database().await;
    let second = Postgres::open(options(&schema)).await.unwrap();
    ([first, second], schema)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_race_for_the_same_slugs_and_each_has_one_winner() {
    const TASKS: usize = 8;
    const SLUGS: u64 = 40;
    let (nodes, _schema) = two_nodes().await;
    let tasks = (0..TASKS).map(|task| {
        let links = PostgresLinkStore::new(&nodes[task % 2]);
        tokio::spawn(async move {
            let mut won = Vec::new();
            for n in 0..SLUGS {
                let rival = Link { id: link_id(1_000 * (task as u64 + 1) + n), ..link(n) };
                let told = event(1_000 * (task as u64 + 1) + n, &rival.id.to_string());
                let write = plain(Atomicity::All, vec![(insert(&rival), Some(told))]);
                if links.write(write).await.unwrap() == Written::Committed(vec![Ok(())]) {
                    won.push(n);
                }
            }
            won
        })
    });
    let mut winners = BTreeMap::new();
    for task in tasks.collect::<Vec<_>>() {
        for n in task.await.unwrap() {
            *winners.entry(n).or_insert(0) += 1;
        }
    }
    assert_eq!(winners, (0..SLUGS).map(|n| (n, 1)).collect());
    assert_eq!(PostgresOutbox::new(&nodes[1]).backlog().await.unwrap().waiting, SLUGS, "one event a link");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_make_the_same_links_in_opposite_orders_both_come_through() {
    const ROUNDS: u64 = 10;
    const LINKS: u64 = 100;
    let (nodes, _schema) = two_nodes().await;
    let tasks = (0..2).map(|node| {
        let links = PostgresLinkStore::new(&nodes[node]);
        tokio::spawn(async move {
            let mut made = 0;
            for round in 0..ROUNDS {
                let mut rivals: Vec<_> = (0..LINKS)
                    .map(|n| Link {
                        id: link_id(1_000_000 * (node as u64 + 1) + round * LINKS + n),
                        ..link(round * LINKS + n)
                    })
                    .collect();
                if node == 1 {
                    rivals.reverse();
                }
                let changes = rivals.iter().map(|rival| (insert(rival), None)).collect();
                let Written::Committed(outcomes) = links.write(plain(Atomicity::Each, changes)).await.unwrap() else {
                    panic!("there is no lease to lose");
                };
                made += outcomes.iter().filter(|outcome| outcome.is_ok()).count();
            }
            made
        })
    });
    let mut made = 0;
    for task in tasks.collect::<Vec<_>>() {
        made += task.await.unwrap();
    }
    assert_eq!(made as u64, ROUNDS * LINKS, "each slug once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_edit_the_same_links_in_opposite_orders_both_come_through() {
    const ROUNDS: u64 = 40;
    let (nodes, _schema) = two_nodes().await;
    let both = [link(1), link(2)];
    let changes = both.iter().map(|link| (insert(link), None)).collect();
    PostgresLinkStore::new(&nodes[0]).write(plain(Atomicity::All, changes)).await.unwrap();
    let tasks = (0..2).map(|node| {
        let (links, mut both) = (PostgresLinkStore::new(&nodes[node]), both.clone());
        both.rotate_left(node);
        tokio::spawn(async move {
            let mut won = 0;
            while won < ROUNDS {
                let mut changes = Vec::new();
                for one in &both {
                    let now = links.get(one.workspace, one.id).await.unwrap().unwrap();
                    changes.push((update(&edited(&now), now.version), None));
                }
                // A circle of two that wait for each other is broken by the server, and the write repeated.
                let Written::Committed(outcomes) = links.write(plain(Atomicity::All, changes)).await.unwrap() else {
                    panic!("there is no lease to lose");
                };
                won += u64::from(outcomes.iter().all(Result::is_ok));
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    for one in both {
        let now = PostgresLinkStore::new(&nodes[0]).get(one.workspace, one.id).await.unwrap().unwrap();
        assert_eq!(now.version, Version(1 + 2 * ROUNDS), "each edit counts once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_nodes_that_rename_to_one_name_one_is_refused() {
    let (nodes, _schema) = two_nodes().await;
    for round in 0..20 {
        let both = [link(10 * round), link(10 * round + 1)];
        let changes = both.iter().map(|link| (insert(link), None)).collect();
        PostgresLinkStore::new(&nodes[0]).write(plain(Atomicity::All, changes)).await.unwrap();
        let tasks = both.into_iter().enumerate().map(|(node, link)| {
            let links = PostgresLinkStore::new(&nodes[node]);
            let renamed = Link { slug: slug(&format!("wanted-{round}")), ..edited(&link) };
            tokio::spawn(async move {
                links.write(plain(Atomicity::All, vec![(update(&renamed, link.version), None)])).await.unwrap()
            })
        });
        let mut done = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            done.push(task.await.unwrap());
        }
        let refused = Written::Committed(vec![Err(Refusal::SlugTaken)]);
        assert_eq!(done.iter().filter(|one| **one == refused).count(), 1, "{done:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_claims_on_two_nodes_one_is_granted() {
    let (nodes, _schema) = two_nodes().await;
    for round in 0..5 {
        let tasks = (0..32).map(|n| {
            let store = PostgresIdempotencyStore::new(&nodes[n % 2]);
            let request = claim(&key(&format!("raced-{round}")), n as u64, at(0));
            tokio::spawn(async move { matches!(store.claim(&request).await.unwrap(), Claim::Granted(_)) })
        });
        let mut granted = 0;
        for task in tasks.collect::<Vec<_>>() {
            granted += u32::from(task.await.unwrap());
        }
        assert_eq!(granted, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_whose_clocks_differ_share_one_quota() {
    let (nodes, _schema) = two_nodes().await;
    for algorithm in [Algorithm::TokenBucket, Algorithm::SlidingWindow, Algorithm::FixedWindow] {
        let policy = Policy::new("shared", algorithm, 100, Duration::from_secs(60)).unwrap();
        let tasks = (0..8).map(|task| {
            let (limiter, policy) = (PostgresRateLimiter::new(&nodes[task % 2]), policy.clone());
            // One node is 20 s behind, in the same window of the other.
            let now = at(50 - 20 * (task as i64 % 2));
            tokio::spawn(async move {
                let mut admitted = 0;
                for _ in 0..30 {
                    let decision = limiter.decide(&policy, &format!("{algorithm:?}"), 1, now).await.unwrap();
                    admitted += u32::from(decision.is_allowed());
                }
                admitted
            })
        });
        let mut admitted = 0;
        for task in tasks.collect::<Vec<_>>() {
            admitted += task.await.unwrap();
        }
        // What the clocks differ by is refilled once, and not for each who asks; a bucket gives 20 s' worth of tokens.
        let most = if algorithm == Algorithm::TokenBucket { 100 + 100 * 20 / 60 } else { 100 };
        assert!((100..=most).contains(&admitted), "{algorithm:?}: {admitted}");
    }
}

#[tokio::test]
async fn a_node_that_is_behind_is_told_to_wait_as_long_as_it_takes_by_its_own_clock() {
    let (nodes, _schema) = two_nodes().await;
    let [ahead, behind] = nodes.each_ref().map(PostgresRateLimiter::new);
    let policy = Policy::new("shared", Algorithm::TokenBucket, 10, Duration::from_secs(60)).unwrap();
    assert!(ahead.decide(&policy, "key", 10, at(50)).await.unwrap().is_allowed());
    let denied = behind.decide(&policy, "key", 1, at(30)).await.unwrap();
    let waypost_core::limits::Decision::Deny { retry_after, .. } = denied else { panic!("{denied:?}") };
    assert_eq!(retry_after, Duration::from_secs(20 + 6), "what it is behind by, and one token");
    assert!(behind.decide(&policy, "key", 1, at(30) + retry_after).await.unwrap().is_allowed());
}

#[tokio::test]
async fn states_that_are_over_are_forgotten_a_few_at_a_time() {
    let (nodes, schema) = two_nodes().await;
    let limiter = PostgresRateLimiter::new(&nodes[0]);
    let policy = Policy::new("short", Algorithm::FixedWindow, 10, Duration::from_secs(1)).unwrap();
    for n in 0..20 {
        limiter.decide(&policy, &format!("old-{n}"), 1, at(0)).await.unwrap();
    }
    for n in 0..15 {
        limiter.decide(&policy, &format!("new-{n}"), 1, at(3_600)).await.unwrap();
    }
    let mut conn = schema.connection().await;
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM waypost_limit").fetch_one(&mut conn).await.unwrap();
    assert_eq!(kept, 15, "the old are gone");
}
