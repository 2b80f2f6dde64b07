//! What is true of this technology alone; what is true of every store is proved by the conformance suites.

mod decisions;
mod losses;
mod opening;
mod outages;
mod presence;
mod server;
mod sharing;
mod space;

use waypost_core::conformance::fixtures::event;
use waypost_core::events::{Event, EventBus, EventFilter, Logged, Position, Read};

use super::RedisEventBus;

/// So many events, from the n-th on.
fn some(first: u64, count: u64) -> Vec<Event> {
    (first..first + count).map(|n| event(n, "lnk_a")).collect()
}

/// What a reader at `after` finds.
async fn found(bus: &RedisEventBus, after: Position) -> Read {
    bus.read(after, &EventFilter::default(), 1_000).await.expect("a read")
}

/// Everything that is kept.
async fn kept(bus: &RedisEventBus) -> Vec<Logged> {
    let start = bus.bounds().await.expect("bounds").start;
    match found(bus, start).await {
        Read::Events { events, .. } => events,
        Read::Reset(bounds) => panic!("reset to {bounds:?}"),
    }
}

fn events_of(logged: &[Logged]) -> Vec<Event> {
    logged.iter().map(|logged| logged.event.clone()).collect()
}
