//! Stores that fail, nodes that die, leases that are lost.

use super::*;
use waypost_core::layers::Fault;
use waypost_core::webhooks::{Claimed, DeliveryBacklog, Held, Redrive, Room, Settlement};
use waypost_core::{Kind, Result};

#[tokio::test]
async fn what_could_not_be_written_down_is_written_later_and_not_sent_again() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.owes(&endpoint, 1..=20, 7).await;
    let mut dispatcher = bench.dispatcher();
    dispatcher.step(bench.now()).await.unwrap();
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    let sent = bench.receivers.count();
    assert!(sent > 0);
    bench.hand.always(Fault::Before(Kind::Unavailable));
    for _ in 0..5 {
        assert!(dispatcher.step(bench.now()).await.is_err());
    }
    assert_eq!(bench.receivers.count(), sent, "nothing is sent that could not be written down");
    bench.hand.release();
    bench.run(&mut dispatcher).await;
    assert_eq!(bench.receivers.count(), 20, "each once");
    assert_eq!(bench.attempts(&endpoint, 1).await.len(), 1);
}

/// Settles only after whatever else was asked at the same time.
#[derive(Debug)]
struct SettlesLast(Arc<MemoryStore>);

#[async_trait]
impl DeliveryQueue for SettlesLast {
    async fn enqueue(&self, deliveries: &[Delivery], now: Timestamp) -> Result<usize> {
        self.0.enqueue(deliveries, now).await
    }

    async fn claim(&self, room: Room, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        DeliveryQueue::claim(&*self.0, room, now, lease).await
    }

    async fn refill(&self, held: &[Held], now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        self.0.refill(held, now, lease).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<WebhookId>> {
        tokio::task::yield_now().await;
        DeliveryQueue::settle(&*self.0, settlements).await
    }

    async fn redrive(&self, again: &Redrive, limit: usize, now: Timestamp) -> Result<usize> {
        DeliveryQueue::redrive(&*self.0, again, limit, now).await
    }

    async fn backlog(&self) -> Result<DeliveryBacklog> {
        DeliveryQueue::backlog(&*self.0).await
    }

    async fn wait(&self) {
        DeliveryQueue::wait(&*self.0).await;
    }
}

#[tokio::test]
async fn what_was_read_before_it_was_settled_is_not_sent_again() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.owes(&endpoint, 1..=2_000, 7).await;
    let mut dispatcher = bench.dispatcher_on(Arc::new(SettlesLast(bench.store.clone())));
    bench.run(&mut dispatcher).await;
    assert_eq!(bench.waiting().await, 0);
    assert_eq!(bench.receivers.count(), 2_000, "each once");
    // And a queue that is given back while it is taken again is not forgotten.
    bench.clock.advance(seconds(2));
    for n in 2_001..2_050 {
        bench.owes(&endpoint, n..=n, 1).await;
        bench.run(&mut dispatcher).await;
        bench.clock.advance(Duration::from_millis(700));
    }
    assert_eq!(bench.receivers.count(), 2_049);
}

#[tokio::test]
async fn a_node_that_died_leaves_nothing_behind_without_a_call() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::Hang);
    bench.owes(&endpoint, 1..=200, 7).await;
    let mut first = bench.dispatcher();
    bench.run(&mut first).await;
    drop(first);
    bench.receivers.say(&endpoint, |_| Answer::Status(200));
    let mut second = bench.dispatcher();
    bench.run(&mut second).await;
    assert_eq!(bench.waiting().await, 200, "the lease of the dead one holds");
    bench.pass(&mut second, seconds(6), seconds(1)).await;
    assert_eq!(bench.waiting().await, 0);
    for n in 1..=200 {
        assert_eq!(bench.attempts(&endpoint, n).await.len(), 1, "every one has a call on record");
    }
}

#[tokio::test]
async fn a_lease_that_was_lost_settles_nothing_and_its_calls_are_on_record() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::Hang);
    bench.owes(&endpoint, 1..=1, 1).await;
    let (mut slow, mut quick) = (bench.dispatcher(), bench.dispatcher());
    bench.run(&mut slow).await;
    // It was asleep for longer than its lease.
    bench.clock.advance(seconds(6));
    bench.receivers.say(&endpoint, |_| Answer::Status(200));
    bench.run(&mut quick).await;
    assert_eq!(bench.state(&endpoint, 1).await, DeliveryState::Delivered);
    bench.receivers.let_go.notify_waiters();
    bench.run(&mut slow).await;
    assert_eq!(bench.state(&endpoint, 1).await, DeliveryState::Delivered, "its failure changes nothing");
    assert_eq!(bench.attempts(&endpoint, 1).await.len(), 2, "and is on record all the same");
}

#[tokio::test]
async fn one_that_is_stopped_ends_its_calls_and_gives_its_queues_back() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::Hang);
    bench.owes(&endpoint, 1..=30, 7).await;
    let mut first = bench.dispatcher();
    bench.run(&mut first).await;
    let under_way = bench.receivers.hanging.load(SeqCst);
    assert_eq!(under_way, 8);
    let receivers = bench.receivers.clone();
    let (ended, ()) = tokio::join!(first.finish(), async {
        tokio::task::yield_now().await;
        receivers.let_go.notify_waiters();
    });
    ended.unwrap();
    assert_eq!(bench.receivers.count(), under_way, "no more were begun");
    assert_eq!(bench.attempts(&endpoint, 1).await.len(), 1, "those that were are on record");
    bench.receivers.say(&endpoint, |_| Answer::Status(200));
    bench.run(&mut bench.dispatcher()).await;
    assert_eq!(bench.receivers.count(), 30, "at once, without waiting for a lease to end");
}

#[tokio::test]
async fn a_node_without_the_key_leaves_the_queue_to_one_that_has_it() {
    let mut bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.owes(&endpoint, 1..=50, 7).await;
    bench.seal_key = [1; 32];
    let mut keyless = bench.dispatcher();
    bench.run(&mut keyless).await;
    assert_eq!((bench.receivers.count(), bench.waiting().await), (0, 50));
    // It rests, rather than trying again and again: what it asks of the store is a round's.
    let before = bench.hand.calls();
    for _ in 0..20 {
        bench.clock.advance(Duration::from_millis(100));
        bench.run(&mut keyless).await;
    }
    assert!(bench.hand.calls() - before < 200, "{} calls", bench.hand.calls() - before);
    bench.seal_key = [8; 32];
    let mut other = bench.dispatcher();
    bench.clock.advance(seconds(31));
    bench.run(&mut other).await;
    assert_eq!((bench.receivers.count(), bench.waiting().await), (50, 0));
}

/// Nodes die at every point, and the store fails now and then: each event arrives, nothing is owed in the end, and every
/// call that was made has its place on record or belongs to a node that died.
#[tokio::test]
async fn everything_arrives_whatever_fails_and_whenever() {
    for seed in 0..6 {
        let bench = Bench::new();
        let endpoint = bench.registered(1).await;
        let mut n = 0_u32;
        bench.receivers.say(&endpoint, move |_| {
            n += 1;
            Answer::Status(if n.is_multiple_of(3) { 500 } else { 200 })
        });
        bench.owes(&endpoint, 1..=60, 7).await;
        let mut dispatcher = bench.dispatcher();
        let mut deaths = 0;
        for round in 0..2_000_u32 {
            if round % 11 == seed % 11 && deaths < 5 {
                // It dies with its calls under way, some of which have ended and are not on record.
                dispatcher = bench.dispatcher();
                deaths += 1;
                bench.clock.advance(seconds(6));
            }
            if round % 7 == seed % 7 && round < 300 {
                bench.hand.always(if round % 2 == 0 {
                    Fault::Before(Kind::Unavailable)
                } else {
                    Fault::After(Kind::Timeout)
                });
                let _ = dispatcher.step(bench.now()).await;
                bench.hand.release();
            } else {
                let _ = dispatcher.step(bench.now()).await;
            }
            for _ in 0..(round % 13) {
                tokio::task::yield_now().await;
            }
            bench.clock.advance(Duration::from_millis(u64::from(round % 17) * 400));
            if round % 50 == 49 && bench.waiting().await == 0 {
                break;
            }
        }
        bench.pass(&mut dispatcher, seconds(7_200), seconds(30)).await;
        assert_eq!(bench.waiting().await, 0, "seed {seed}");
        for n in 1..=60 {
            assert_eq!(bench.state(&endpoint, n).await, DeliveryState::Delivered, "seed {seed}, event {n}");
            let last = bench.attempts(&endpoint, n).await.pop().expect("an attempt");
            assert_eq!(last.result.status, Some(200), "seed {seed}, event {n}");
        }
    }
}
