//! Several nodes on one outbox.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use waypost_core::conformance::fixtures::{at, event, seconds};
use waypost_core::events::{EventBus as _, EventFilter, Position, Read};
use waypost_core::ids::EventId;
use waypost_core::outbox::Outbox as _;

use super::{acked, claimed, ids};
use crate::postgres::tests::{database, options};
use crate::postgres::{Postgres, PostgresEventBus, PostgresOutbox};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn relays_on_two_nodes_claim_each_event_once_and_keep_the_order_of_each_key() {
    const APPENDERS: u64 = 4;
    const EACH: u64 = 500;
    let (first, schema) = database().await;
    let second = Postgres::open(options(&schema)).await.unwrap();
    let appenders = (0..APPENDERS).map(|appender| {
        let outbox = PostgresOutbox::new(if appender % 2 == 0 { &first } else { &second });
        tokio::spawn(async move {
            let events: Vec<_> =
                (0..EACH).map(|n| event(appender * EACH + n, &format!("lnk_{appender}_{}", n % 7))).collect();
            for some in events.chunks(10) {
                outbox.append(some).await.unwrap();
            }
        })
    });
    let appenders: Vec<_> = appenders.collect();
    let relays = [&first, &first, &second, &second].map(|db| {
        let (outbox, bus) = (PostgresOutbox::new(db), PostgresEventBus::new(db));
        tokio::spawn(async move {
            let mut mine: Vec<EventId> = Vec::new();
            loop {
                let given = claimed(&outbox, 50, at(0)).await;
                let events: Vec<_> = given.iter().map(|claim| claim.event.clone()).collect();
                bus.publish(&events).await.unwrap();
                acked(&outbox, &given).await;
                mine.extend(ids(&given));
                let is_done = bus.bounds().await.unwrap().end.offset == APPENDERS * EACH;
                if given.is_empty() && is_done {
                    return mine;
                }
            }
        })
    });
    for appender in appenders {
        appender.await.unwrap();
    }
    let mut given = Vec::new();
    for relay in relays {
        given.extend(tokio::time::timeout(seconds(60), relay).await.expect("it ends").unwrap());
    }
    assert_eq!(given.len() as u64, APPENDERS * EACH, "none is claimed twice");
    assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), given.len());

    let bus = PostgresEventBus::new(&first);
    let start = Position { offset: 0, ..bus.bounds().await.unwrap().end };
    let Read::Events { events, .. } = bus.read(start, &EventFilter::default(), 10_000).await.unwrap() else {
        panic!("the log begins at zero");
    };
    let mut last = BTreeMap::new();
    for logged in &events {
        let before = last.insert(logged.event.ordering_key(), logged.event.id);
        assert!(before.is_none_or(|before| before < logged.event.id), "{:?} came after {before:?}", logged.event.id);
    }
}

#[tokio::test]
async fn an_append_on_one_node_wakes_the_relay_of_another() {
    let (first, schema) = database().await;
    let second = Postgres::open(options(&schema)).await.unwrap();
    let (here, there) = (PostgresOutbox::new(&first), PostgresOutbox::new(&second));
    for n in 1..=3 {
        let waiter = tokio::spawn({
            let there = there.clone();
            async move { there.wait().await }
        });
        here.append(&[event(n, "lnk_a")]).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), waiter).await.expect("it is told").unwrap();
    }
}
