//! What the cases are made of: deliveries, calls, and what is done with them.

use std::time::Duration;

use jiff::Timestamp;

use crate::conformance::Deliveries;
use crate::conformance::fixtures::{self, at, workspace};
use crate::conformance::webhooks::endpoint;
use crate::events::{Epoch, Event, Position};
use crate::ids::{DeliveryId, EventId, WebhookId};
use crate::webhooks::{
    Attempt, AttemptResult, Claimed, Delivery, DeliveryRecord, DeliveryRuling, DeliveryState, Due, Endpoint, Failure,
    FailureClass, Held, Hold, Ordering, Room, Settled, Settlement,
};

pub(super) const LEASE: Duration = Duration::from_secs(30);
/// More than any case has.
pub(super) const ALL: Room = Room { queues: 100, each: 100 };
pub(super) const DAY: i64 = 86_400;

/// The n-th event, made n seconds after the beginning.
pub(super) fn event(n: u64) -> Event {
    event_made(n, at(number(n)))
}

/// The n-th event, made at `made`. Its id begins with that moment, as ids do: a store may find its day by it.
pub(super) fn event_made(n: u64, made: Timestamp) -> Event {
    let millis = u128::try_from(made.as_millisecond()).expect("after 1970");
    let id = EventId::from_bytes((millis << 80 | 0x7000_8000_u128 << 48 | u128::from(n)).to_be_bytes());
    Event { id, created_at: made, ..fixtures::event(n, &format!("lnk_{n}")) }
}

/// The delivery of `event`, the n-th of the log.
pub(super) fn of(endpoint: &Endpoint, n: u64, event: Event) -> Delivery {
    let position = Position { epoch: Epoch(7), offset: n };
    Delivery { endpoint: endpoint.id, ordering: endpoint.ordering_key(&event), event, position }
}

/// The delivery of the n-th event.
pub(super) fn delivery(endpoint: &Endpoint, n: u64) -> Delivery {
    of(endpoint, n, event(n))
}

/// The delivery of the n-th event, which is about `subject`.
pub(super) fn about(endpoint: &Endpoint, n: u64, subject: &str) -> Delivery {
    of(endpoint, n, Event { subject: Some(subject.to_owned()), ..event(n) })
}

/// The deliveries of some events.
pub(super) fn deliveries(endpoint: &Endpoint, numbers: impl IntoIterator<Item = u64>) -> Vec<Delivery> {
    numbers.into_iter().map(|n| delivery(endpoint, n)).collect()
}

/// The n-th endpoint, which wants those of a subject one after the other.
pub(super) fn ordered(n: u8) -> Endpoint {
    Endpoint { ordering: Ordering::Subject, ..endpoint(n) }
}

/// A call that went well, or failed in this way; 120 ms long.
pub(super) fn attempt(number: u32, when: i64, failed: Option<FailureClass>) -> Attempt {
    let failure = failed.map(|class| Failure { class, detail: "what \"it\" was: größer".to_owned() });
    let status = match failed {
        None => Some(200),
        Some(FailureClass::Status) => Some(500),
        Some(_) => None,
    };
    let result = AttemptResult { status, failure, excerpt: "<p>日本 '\"\\ \n".to_owned() };
    let traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    Attempt { number, at: at(when), duration: Duration::from_micros(120_007), result, traceparent }
}

pub(super) fn ruled(delivery: &Delivery, attempt: Option<Attempt>, ruling: DeliveryRuling) -> Settled {
    Settled { id: delivery.id(), created_at: delivery.event.created_at, attempt, ruling }
}

/// The first call for it, at this moment, went well.
pub(super) fn arrived(delivery: &Delivery, when: i64) -> Settled {
    ruled(delivery, Some(attempt(1, when, None)), DeliveryRuling::Delivered)
}

/// Its n-th call failed, and another is due.
pub(super) fn retried(delivery: &Delivery, number: u32, when: i64, due: i64) -> Settled {
    let attempt = attempt(number, when, Some(FailureClass::Timeout));
    ruled(delivery, Some(attempt), DeliveryRuling::Retry(at(due)))
}

/// Its first call failed in this way, and there is no other.
pub(super) fn given_up(delivery: &Delivery, when: i64, class: FailureClass) -> Settled {
    let ruling = DeliveryRuling::Fail(format!("no \"{}\"", class.as_str()));
    ruled(delivery, Some(attempt(1, when, Some(class))), ruling)
}

pub(super) fn settlement(claimed: &Claimed, settled: Vec<Settled>, hold: Hold) -> Settlement {
    let (endpoint, workspace) = (claimed.endpoint.id, claimed.endpoint.workspace);
    Settlement { endpoint, workspace, token: claimed.token, settled, standing: claimed.standing, hold }
}

pub(super) fn held(claimed: &Claimed, want: usize) -> Held {
    Held { endpoint: claimed.endpoint.id, token: claimed.token, want }
}

pub(super) fn ids(due: &[Due]) -> Vec<DeliveryId> {
    due.iter().map(|due| due.delivery.id()).collect()
}

pub(super) fn ids_of(deliveries: &[Delivery]) -> Vec<DeliveryId> {
    deliveries.iter().map(Delivery::id).collect()
}

pub(super) fn endpoints_of(claimed: &[Claimed]) -> Vec<WebhookId> {
    claimed.iter().map(|claimed| claimed.endpoint.id).collect()
}

fn number(n: u64) -> i64 {
    i64::try_from(n).expect("the cases use small numbers")
}

impl Deliveries {
    /// Keeps endpoints.
    pub(super) async fn register(&self, endpoints: &[Endpoint]) {
        for endpoint in endpoints {
            assert!(self.endpoints.insert_endpoint(endpoint, 100).await.expect("an outcome"));
        }
    }

    /// Has deliveries owed; says how many are new.
    pub(super) async fn enqueue(&self, deliveries: &[Delivery], now: i64) -> usize {
        self.queue.enqueue(deliveries, at(now)).await.expect("a number")
    }

    /// Has deliveries owed, all of which are new.
    pub(super) async fn owe(&self, deliveries: &[Delivery], now: i64) {
        assert_eq!(self.enqueue(deliveries, now).await, deliveries.len());
    }

    pub(super) async fn claim(&self, room: Room, now: i64) -> Vec<Claimed> {
        self.queue.claim(room, at(now), LEASE).await.expect("a claim")
    }

    /// Claims the one queue that can be.
    pub(super) async fn claim_one(&self, now: i64) -> Claimed {
        let mut claimed = self.claim(ALL, now).await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed.remove(0)
    }

    /// What is due in a queue that is held, if it still is.
    pub(super) async fn refill(&self, claimed: &Claimed, now: i64) -> Option<Claimed> {
        let mut refilled = self.queue.refill(&[held(claimed, 100)], at(now), LEASE).await.expect("an answer");
        assert!(refilled.len() <= 1, "{refilled:?}");
        refilled.pop()
    }

    /// What is due in a queue that is held.
    pub(super) async fn due(&self, claimed: &Claimed, now: i64) -> Vec<DeliveryId> {
        ids(&self.refill(claimed, now).await.expect("it is held").due)
    }

    /// Settles; says whether the queue was still held.
    pub(super) async fn settle(&self, claimed: &Claimed, settled: Vec<Settled>, hold: Hold) -> bool {
        let settlement = settlement(claimed, settled, hold);
        let held = self.queue.settle(&[settlement]).await.expect("an answer");
        assert!(held.is_empty() || held == [claimed.endpoint.id], "{held:?}");
        !held.is_empty()
    }

    /// Settles, and holds the queue on.
    pub(super) async fn keep(&self, claimed: &Claimed, settled: Vec<Settled>) {
        assert!(self.settle(claimed, settled, Hold::Keep).await, "it is held");
    }

    /// Settles, and gives the queue back.
    pub(super) async fn release(&self, claimed: &Claimed, settled: Vec<Settled>) {
        assert!(self.settle(claimed, settled, Hold::Release).await, "it was held");
    }

    /// The delivery as the log tells it, if it is there, and its attempts.
    pub(super) async fn find(&self, delivery: &Delivery) -> Option<(DeliveryRecord, Vec<Attempt>)> {
        self.log.delivery(workspace(1), delivery.endpoint, delivery.id()).await.expect("a look")
    }

    pub(super) async fn record(&self, delivery: &Delivery) -> (DeliveryRecord, Vec<Attempt>) {
        self.find(delivery).await.expect("it is there")
    }

    pub(super) async fn state(&self, delivery: &Delivery) -> DeliveryState {
        self.record(delivery).await.0.state
    }

    /// How much is owed in all.
    pub(super) async fn waiting(&self) -> u64 {
        self.queue.backlog().await.expect("a backlog").waiting
    }
}
