//! The log of events under many publishers on several nodes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::Executor as _;
use waypost_core::conformance::fixtures::{at, event, event_id, seconds};
use waypost_core::events::{Acked, Event, EventBus as _, EventFilter, Logged, Position, Read};

use super::{database, options};
use crate::postgres::{Postgres, PostgresEventBus};

async fn page(bus: &PostgresEventBus, after: Position, limit: usize) -> (Vec<Logged>, Position) {
    match bus.read(after, &EventFilter::default(), limit).await.unwrap() {
        Read::Events { events, next, .. } => (events, next),
        Read::Reset(bounds) => panic!("{after:?} is in the log of {bounds:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_follows_the_log_misses_nothing_however_many_publish() {
    const PUBLISHERS: u64 = 8;
    const BATCHES: u64 = 40;
    let (first, schema) = database().await;
    let second = Postgres::open(options(&schema)).await.unwrap();
    let third = Postgres::open(options(&schema)).await.unwrap();
    let start = PostgresEventBus::new(&first).bounds().await.unwrap().start;

    let publishers = (0..PUBLISHERS).map(|publisher| {
        let bus = PostgresEventBus::new(if publisher % 2 == 0 { &first } else { &second });
        tokio::spawn(async move {
            let mut places = Vec::new();
            for batch in 0..BATCHES {
                // Of sizes from 1 to 7, and each with one that all publishers have.
                let mut events: Vec<_> = (0..=(publisher + batch) % 7)
                    .map(|n| event((publisher + 1) * 100_000 + batch * 10 + n, &format!("lnk_{publisher}")))
                    .collect();
                events.push(event(batch, "shared"));
                places.extend(bus.publish(&events).await.unwrap().into_iter().zip(events.iter().map(|event| event.id)));
            }
            places
        })
    });
    let publishers: Vec<_> = publishers.collect();
    let total: u64 =
        BATCHES + (0..PUBLISHERS).flat_map(|p| (0..BATCHES).map(move |batch| (p + batch) % 7 + 1)).sum::<u64>();
    let readers = [1, 10, 1_000].map(|limit| {
        let bus = PostgresEventBus::new(&third);
        tokio::spawn(async move {
            let (mut at, mut read) = (start, Vec::new());
            while (read.len() as u64) < total {
                bus.wait(at).await.unwrap();
                let (events, next) = page(&bus, at, limit).await;
                read.extend(events.iter().map(|logged| (logged.position, logged.event.id)));
                at = next;
            }
            read
        })
    });

    let mut answered = BTreeSet::new();
    for publisher in publishers {
        answered.extend(publisher.await.unwrap());
    }
    for reader in readers {
        let read = tokio::time::timeout(seconds(60), reader).await.expect("it is told of all").unwrap();
        let places: Vec<_> = read.iter().map(|(position, _)| position.offset).collect();
        assert_eq!(places, (1..=total).collect::<Vec<_>>(), "without a gap and in order");
        assert_eq!(read.into_iter().collect::<BTreeSet<_>>(), answered, "each at the place that was answered");
    }
}

#[tokio::test]
async fn an_open_transaction_of_another_stops_nobody() {
    let (db, schema) = database().await;
    let bus = PostgresEventBus::new(&db);
    let mut idle = schema.connection().await;
    idle.execute("BEGIN; SELECT txid_current(); SELECT count(*) FROM waypost_event").await.unwrap();
    let mut at = bus.bounds().await.unwrap().start;
    for n in 1..=20 {
        let waiter = tokio::spawn({
            let bus = bus.clone();
            async move { bus.wait(at).await }
        });
        bus.publish(&[event(n, "lnk_a")]).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), waiter).await.expect("it is told").unwrap().unwrap();
        let (events, next) = page(&bus, at, 10).await;
        assert_eq!(events.iter().map(|logged| logged.event.id).collect::<Vec<_>>(), [event_id(n)]);
        at = next;
    }
    idle.execute("COMMIT").await.unwrap();
}

#[tokio::test]
async fn a_publish_on_one_node_wakes_who_waits_on_another() {
    let (first, schema) = database().await;
    let second = Postgres::open(options(&schema)).await.unwrap();
    let (here, there) = (PostgresEventBus::new(&first), PostgresEventBus::new(&second));
    let mut at = here.bounds().await.unwrap().end;
    for n in 1..=5 {
        let waiter = tokio::spawn({
            let there = there.clone();
            async move { there.wait(at).await }
        });
        at = here.publish(&[event(n, "lnk_a")]).await.unwrap()[0];
        tokio::time::timeout(Duration::from_secs(10), waiter).await.expect("it is told").unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_trim_at_once_trim_each_event_once() {
    let (first, schema) = database().await;
    let second = Postgres::open(options(&schema)).await.unwrap();
    let bus = PostgresEventBus::new(&first);
    let made = |n: i64| Event { created_at: at(n), ..event(n.unsigned_abs(), "lnk_a") };
    bus.publish(&(1..=300).map(made).collect::<Vec<_>>()).await.unwrap();
    let trimmers = [&first, &second, &first, &second].map(|db| {
        let bus = PostgresEventBus::new(db);
        tokio::spawn(async move {
            let mut trimmed = 0;
            for _ in 0..20 {
                trimmed += bus.trim(at(201), 17).await.unwrap();
            }
            trimmed
        })
    });
    let mut trimmed = 0;
    for trimmer in trimmers {
        trimmed += trimmer.await.unwrap();
    }
    assert_eq!(trimmed, 200);
    let bounds = bus.bounds().await.unwrap();
    assert_eq!((bounds.start.offset, bounds.end.offset), (200, 300));
    assert_eq!(page(&bus, bounds.start, 1_000).await.0.len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_batch_of_a_group_goes_to_one_member_on_whatever_node() {
    let (first, schema) = database().await;
    let second = Postgres::open(options(&schema)).await.unwrap();
    let bus = PostgresEventBus::new(&first);
    bus.publish(&(1..=200).map(|n| event(n, "lnk_a")).collect::<Vec<_>>()).await.unwrap();
    let done = Arc::new(AtomicU64::new(0));
    let members = [&first, &second, &first, &second].map(|db| {
        let (bus, done) = (PostgresEventBus::new(db), Arc::clone(&done));
        tokio::spawn(async move {
            let mut mine = Vec::new();
            while done.load(Ordering::SeqCst) < 200 {
                let Some(batch) = bus.consume("mail", 7, at(0), seconds(30)).await.unwrap() else {
                    continue;
                };
                assert_eq!(bus.ack("mail", &batch).await.unwrap(), Acked::Moved);
                mine.extend(batch.events.iter().map(|logged| logged.position.offset));
                done.fetch_add(batch.events.len() as u64, Ordering::SeqCst);
            }
            mine
        })
    });
    let mut given = Vec::new();
    for member in members {
        given.extend(tokio::time::timeout(seconds(60), member).await.expect("it ends").unwrap());
    }
    given.sort_unstable();
    assert_eq!(given, (1..=200).collect::<Vec<_>>());
}
