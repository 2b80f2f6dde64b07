//! From the log to the queues.

use std::sync::Arc;

use jiff::Timestamp;
use waypost_adapters::memory::{MemoryEventBus, MemoryStore};
use waypost_core::Kind;
use waypost_core::conformance::fixtures::{at, event, seconds, workspace};
use waypost_core::conformance::webhooks::endpoint;
use waypost_core::engine::{Engine as _, Next};
use waypost_core::entropy::SeededEntropy;
use waypost_core::events::{Event, EventBus, EventType};
use waypost_core::layers::{Fault, Faulty, Layered};
use waypost_core::webhooks::{
    Claimed, DeliveryQueue, Endpoint, EndpointState, EventPattern, Fanout, FieldFilter, Room, WebhookStore as _,
};

struct Bench {
    store: Arc<MemoryStore>,
    bus: Arc<MemoryEventBus>,
    hand: Faulty,
    fanout: Fanout,
}

impl Bench {
    async fn new(endpoints: &[Endpoint]) -> Self {
        let (store, bus) = (Arc::new(MemoryStore::default()), Arc::new(MemoryEventBus::new(&SeededEntropy::new(1))));
        for endpoint in endpoints {
            assert!(store.insert_endpoint(endpoint, 100).await.expect("what the test relies on"));
        }
        let hand = Faulty::default();
        let queue: Arc<dyn DeliveryQueue> = store.clone();
        let fanout = Fanout::new(bus.clone(), store.clone(), Arc::new(Layered::new(queue, hand.clone())));
        Self { store, bus, hand, fanout }
    }

    async fn run(&mut self, now: Timestamp) {
        while self.fanout.step(now).await.expect("what the test relies on") == Next::Now {}
    }

    /// The numbers of the events that are owed to each endpoint, as they are ordered.
    async fn owed(&self, endpoints: &[Endpoint]) -> Vec<Vec<String>> {
        let room = Room { queues: 100, each: 10_000 };
        let claimed = self.store.claim(room, at(1_000_000), seconds(1)).await.expect("what the test relies on");
        let ids = |claimed: &Claimed| claimed.due.iter().map(|due| due.delivery.event.id.to_string()).collect();
        let of = |endpoint: &Endpoint| claimed.iter().find(|claimed| claimed.endpoint.id == endpoint.id);
        endpoints.iter().map(|endpoint| of(endpoint).map(ids).unwrap_or_default()).collect()
    }
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(|n| event(n, "any").id.to_string()).collect()
}

#[tokio::test]
async fn each_event_is_owed_to_those_who_want_it() {
    let patterns = |text| vec![EventPattern::parse(text).expect("what the test relies on")];
    let endpoints = [
        endpoint(1),
        Endpoint { events: patterns("link.deleted"), ..endpoint(2) },
        Endpoint {
            filter: FieldFilter::stored(r#"{"data.n": [12, 14]}"#).expect("what the test relies on"),
            ..endpoint(3)
        },
        Endpoint { state: EndpointState::Disabled, ..endpoint(4) },
        Endpoint { workspace: workspace(2), ..endpoint(5) },
        // What happened before it was registered is none of its business; clocks may be some seconds apart.
        Endpoint { created_at: at(20), ..endpoint(6) },
    ];
    let mut bench = Bench::new(&endpoints).await;
    let mut events: Vec<_> = (11..=17).map(|n| event(n, "lnk_1")).collect();
    events[0].kind = EventType::parse("link.deleted").expect("what the test relies on");
    events[6].workspace = workspace(2);
    bench.bus.publish(&events).await.expect("what the test relies on");
    bench.run(at(100)).await;
    let owed = bench.owed(&endpoints).await;
    assert_eq!(owed, [ids(11..=16), ids([11]), ids([12, 14]), ids([]), ids([17]), ids([15, 16])]);
}

#[tokio::test]
async fn a_batch_that_was_not_acknowledged_is_taken_again_and_makes_nothing_twice() {
    let endpoints = [endpoint(1)];
    let mut bench = Bench::new(&endpoints).await;
    let events: Vec<Event> = (1..=1_200).map(|n| event(n, "lnk_1")).collect();
    bench.bus.publish(&events).await.expect("what the test relies on");
    bench.hand.always(Fault::After(Kind::Timeout));
    for round in 0..3 {
        assert!(bench.fanout.step(at(100 + 10 * round)).await.is_err(), "made, and the answer was lost");
    }
    bench.hand.release();
    bench.run(at(200)).await;
    assert_eq!(bench.owed(&endpoints).await, [ids(1..=1_200)]);
}
