//! The outbox: its leaves, transactions of hosts, and several nodes.

mod hosts;
mod leaves;
mod nodes;

use waypost_core::conformance::fixtures::seconds;
use waypost_core::events::Event;
use waypost_core::ids::EventId;
use waypost_core::outbox::{Claimed, Outbox as _, Ruling, Verdict};

use crate::postgres::PostgresOutbox;

fn ids(claimed: &[Claimed]) -> Vec<EventId> {
    claimed.iter().map(|claim| claim.event.id).collect()
}

fn ids_of(events: &[Event]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

fn verdict(claim: &Claimed, ruling: Ruling) -> Verdict {
    Verdict { entry: claim.entry, token: claim.token, ruling }
}

async fn claimed(outbox: &PostgresOutbox, limit: usize, now: jiff::Timestamp) -> Vec<Claimed> {
    outbox.claim(limit, now, seconds(30)).await.unwrap()
}

async fn acked(outbox: &PostgresOutbox, claimed: &[Claimed]) {
    let acks: Vec<_> = claimed.iter().map(|claim| verdict(claim, Ruling::Ack)).collect();
    assert_eq!(outbox.settle(&acks).await.unwrap(), acks.len());
}
