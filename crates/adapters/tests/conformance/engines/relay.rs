//! The relay, while what it stands between fails.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_adapters::memory::{MemoryEventBus, MemoryStore};
use waypost_core::conformance::fixtures::{at, event, event_id, seconds};
use waypost_core::engine::{Engine as _, Next};
use waypost_core::entropy::SeededEntropy;
use waypost_core::events::{Acked, Batch, Bounds, Event, EventBus, EventFilter, Position, Read};
use waypost_core::ids::EventId;
use waypost_core::layers::{Fault, Faulty, Layered};
use waypost_core::outbox::{Outbox, Relay, RelayOptions};
use waypost_core::{Error, Kind, Result};

/// A relay, and a hand on either side of it.
struct Bench {
    relay: Relay,
    store: Arc<MemoryStore>,
    bus: Arc<dyn EventBus>,
    outbox_hand: Faulty,
    bus_hand: Faulty,
    now: Timestamp,
}

impl Bench {
    fn new(options: RelayOptions) -> Self {
        Self::on(Arc::new(MemoryEventBus::new(&SeededEntropy::new(1))), options)
    }

    fn on(bus: Arc<dyn EventBus>, options: RelayOptions) -> Self {
        let (store, outbox_hand, bus_hand) = (Arc::new(MemoryStore::default()), Faulty::default(), Faulty::default());
        let outbox: Arc<dyn Outbox> = store.clone();
        let relay = Relay::new(
            Arc::new(Layered::new(outbox, outbox_hand.clone())),
            Arc::new(Layered::new(bus.clone(), bus_hand.clone())),
            Arc::new(SeededEntropy::new(2)),
            options,
        );
        Self { relay, store, bus, outbox_hand, bus_hand, now: at(100_000) }
    }

    /// So many events of seven subjects, committed one by one.
    async fn committed(&self, count: u64) {
        for n in 1..=count {
            self.store.append(&[event(n, &format!("lnk_{}", n % 7))]).await.expect("committed");
        }
    }

    async fn step(&mut self) -> Result<Next> {
        self.relay.step(self.now).await
    }

    /// Runs on as the loop of engines does, a second later after each round that failed, until nothing waits.
    async fn run_dry(&mut self) {
        for _ in 0..2_000 {
            match self.step().await {
                Ok(Next::Now) => {}
                Ok(_) if self.store.backlog().await.expect("a look").waiting == 0 => return,
                Ok(_) | Err(_) => self.now += seconds(1),
            }
        }
        panic!("after 2,000 rounds {:?} still waits", self.store.backlog().await);
    }

    async fn logged(&self) -> Vec<Event> {
        let start = self.bus.bounds().await.expect("bounds").start;
        let read = self.bus.read(start, &EventFilter::default(), 100_000).await.expect("a read");
        let Read::Events { events, .. } = read else { panic!("nothing was trimmed") };
        events.into_iter().map(|logged| logged.event).collect()
    }
}

/// Fails unless `count` events are there, each once, and those of each subject in the order of their commits.
fn assert_whole(logged: &[Event], count: usize) {
    let mut subjects: HashMap<_, Vec<EventId>> = HashMap::new();
    for event in logged {
        subjects.entry(event.subject.clone()).or_default().push(event.id);
    }
    assert_eq!(logged.len(), count);
    for (subject, ids) in subjects {
        assert!(ids.is_sorted_by(|one, next| one < next), "{subject:?} is out of order, or not single");
    }
}

#[tokio::test]
async fn while_the_bus_is_away_nothing_more_is_claimed() {
    let mut bench = Bench::new(RelayOptions::default());
    bench.committed(5_000).await;
    bench.bus_hand.always(Fault::Before(Kind::Unavailable));
    assert!(bench.step().await.is_err(), "a round that failed, so that the next one waits");
    // A claim, and what was claimed given back.
    assert_eq!(bench.outbox_hand.calls(), 2);
    for _ in 0..60 {
        bench.now += Duration::from_millis(50);
        assert!(bench.step().await.is_err());
    }
    // The backlog was measured; that is all.
    assert_eq!(bench.outbox_hand.calls(), 3);
    bench.bus_hand.release();
    for _ in 0..5 {
        assert_eq!(bench.step().await.expect("published"), Next::Now, "without waiting for anything");
    }
    assert_whole(&bench.logged().await, 5_000);
}

#[tokio::test]
async fn what_a_relay_gave_back_another_that_reaches_the_bus_publishes() {
    let mut bench = Bench::new(RelayOptions::default());
    bench.committed(100).await;
    bench.bus_hand.always(Fault::Before(Kind::Timeout));
    assert!(bench.step().await.is_err());
    let (entropy, options) = (Arc::new(SeededEntropy::new(3)), RelayOptions::default());
    let mut other = Relay::new(bench.store.clone(), bench.bus.clone(), entropy, options);
    other.step(bench.now).await.expect("published");
    assert_whole(&bench.logged().await, 100);
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_out_of_order_however_calls_fail() {
    for seed in 0..20 {
        let mut bench = Bench::new(RelayOptions { batch: 50, ..RelayOptions::default() });
        bench.committed(500).await;
        let before = [Fault::Before(Kind::Unavailable), Fault::Before(Kind::Timeout)];
        let after = [Fault::After(Kind::Unavailable), Fault::After(Kind::Timeout)];
        let at = (seed % 2) as usize;
        bench.bus_hand.by_chance(3, after[at], Arc::new(SeededEntropy::new(seed)));
        bench.outbox_hand.by_chance(
            4,
            if seed < 10 { before[at] } else { after[at] },
            Arc::new(SeededEntropy::new(seed)),
        );
        bench.run_dry().await;
        assert_whole(&bench.logged().await, 500);
        assert_eq!(bench.store.backlog().await.expect("a look").dead, 0);
    }
}

#[tokio::test]
async fn a_bus_that_is_away_sets_nothing_aside() {
    let mut bench = Bench::new(RelayOptions { most_attempts: 1, ..RelayOptions::default() });
    bench.committed(10).await;
    for kind in [Kind::Unavailable, Kind::Timeout] {
        bench.bus_hand.always(Fault::Before(kind));
        for _ in 0..50 {
            bench.now += seconds(1);
            assert!(bench.step().await.is_err());
        }
        let backlog = bench.store.backlog().await.expect("a look");
        assert_eq!((backlog.waiting, backlog.dead), (10, 0));
    }
    bench.bus_hand.release();
    bench.run_dry().await;
    assert_whole(&bench.logged().await, 10);
}

/// How often an entry was tried is for an operator to judge it by; an outage says nothing about an entry.
#[tokio::test]
async fn an_outage_counts_as_one_attempt() {
    let mut bench = Bench::new(RelayOptions::default());
    bench.committed(1).await;
    bench.bus_hand.always(Fault::Before(Kind::Unavailable));
    for _ in 0..50 {
        bench.now += seconds(1);
        assert!(bench.step().await.is_err());
    }
    let claimed = bench.store.claim(1, bench.now, seconds(1)).await.expect("claimed");
    assert_eq!(claimed[0].attempts, 1);
}

#[tokio::test]
async fn an_event_that_the_bus_will_not_take_holds_up_its_own_key_until_it_is_set_aside() {
    let bus = Arc::new(Picky(MemoryEventBus::new(&SeededEntropy::new(1))));
    let mut bench = Bench::on(bus, RelayOptions { most_attempts: 3, ..RelayOptions::default() });
    bench.committed(21).await;
    bench.step().await.expect("a round that did what it could");
    let subjects = |logged: &[Event], subject: &str| {
        logged.iter().filter(|event| event.subject.as_deref() == Some(subject)).count()
    };
    let logged = bench.logged().await;
    assert_eq!((logged.len(), subjects(&logged, "lnk_3")), (18, 0), "the others are there, and none of its key");
    bench.run_dry().await;
    let logged = bench.logged().await;
    assert_whole(&logged, 20);
    assert_eq!(subjects(&logged, "lnk_3"), 2, "what waited behind it went on");
    let dead = bench.store.dead(10).await.expect("a look");
    assert_eq!(dead.iter().map(|dead| dead.event.id).collect::<Vec<_>>(), [event_id(3)]);
}

#[tokio::test]
async fn the_backlog_is_measured_every_five_seconds_at_most() {
    let mut bench = Bench::new(RelayOptions::default());
    for _ in 0..100 {
        bench.step().await.expect("nothing to do");
        bench.now += Duration::from_millis(100);
    }
    assert_eq!(bench.outbox_hand.calls(), 100 + 2, "a claim each, and two measurements in ten seconds");
}

/// A bus that takes every event but the third.
#[derive(Debug)]
struct Picky(MemoryEventBus);

#[async_trait]
impl EventBus for Picky {
    async fn publish(&self, events: &[Event]) -> Result<Vec<Position>> {
        if events.iter().any(|event| event.id == event_id(3)) {
            return Err(Error::new(Kind::Invalid, "The third is not to my liking"));
        }
        self.0.publish(events).await
    }

    async fn read(&self, after: Position, filter: &EventFilter, limit: usize) -> Result<Read> {
        self.0.read(after, filter, limit).await
    }

    async fn bounds(&self) -> Result<Bounds> {
        self.0.bounds().await
    }

    async fn wait(&self, after: Position) -> Result<()> {
        self.0.wait(after).await
    }

    async fn consume(&self, group: &str, limit: usize, now: Timestamp, lease: Duration) -> Result<Option<Batch>> {
        self.0.consume(group, limit, now, lease).await
    }

    async fn ack(&self, group: &str, batch: &Batch) -> Result<Acked> {
        self.0.ack(group, batch).await
    }

    async fn trim(&self, before: Timestamp, limit: usize) -> Result<usize> {
        self.0.trim(before, limit).await
    }
}
