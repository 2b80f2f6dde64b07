//! Webhooks: rows that are locked, days as partitions, plans, and what the version before kept.

mod held_up;
mod keys;
mod plans;
mod retention;
mod upgrade;

use std::time::Duration;

use sqlx::{Executor as _, Row as _};
use waypost_core::conformance::fixtures::{self, at, workspace};
use waypost_core::conformance::webhooks::endpoint;
use waypost_core::events::{Epoch, Event, Position};
use waypost_core::webhooks::{
    Attempt, AttemptResult, Claimed, Delivery, DeliveryQueue as _, DeliveryRuling, Endpoint, Hold, Ordering, Room,
    Settled, Settlement, WebhookStore as _,
};

use super::{Schema, database, options};
use crate::postgres::PostgresWebhookStore;

/// Seconds of a day.
const DAY: i64 = 86_400;
const LEASE: Duration = Duration::from_secs(30);
const ROOM: Room = Room { queues: 10, each: 100 };

/// A store with these endpoints.
async fn registered(endpoints: &[Endpoint]) -> (PostgresWebhookStore, Schema) {
    let (db, schema) = database().await;
    let store = PostgresWebhookStore::new(&db);
    for endpoint in endpoints {
        assert!(store.insert_endpoint(endpoint, 100).await.unwrap());
    }
    (store, schema)
}

fn ordered(n: u8) -> Endpoint {
    Endpoint { ordering: Ordering::Subject, ..endpoint(n) }
}

/// The n-th event of one subject, made this many seconds after the beginning, for an endpoint.
fn delivery(endpoint: &Endpoint, n: u64, made: i64) -> Delivery {
    let event = Event { created_at: at(made), ..fixtures::event(n, "lnk_a") };
    let position = Position { epoch: Epoch(7), offset: n };
    Delivery { endpoint: endpoint.id, ordering: endpoint.ordering_key(&event), event, position }
}

async fn claimed(store: &PostgresWebhookStore, now: i64) -> Vec<Claimed> {
    store.claim(ROOM, at(now), LEASE).await.unwrap()
}

/// The numbers of the deliveries that were claimed, queue by queue.
fn numbers(claimed: &[Claimed]) -> Vec<Vec<u64>> {
    let offsets = |claimed: &Claimed| claimed.due.iter().map(|due| due.delivery.position.offset).collect();
    claimed.iter().map(offsets).collect()
}

fn settled(delivery: &Delivery, when: i64, ruling: DeliveryRuling) -> Settled {
    let result = AttemptResult { status: Some(200), failure: None, excerpt: String::new() };
    let attempt = Attempt { number: 1, at: at(when), duration: Duration::from_millis(20), result, traceparent: None };
    Settled { id: delivery.id(), created_at: delivery.event.created_at, attempt: Some(attempt), ruling }
}

fn settlement(claimed: &Claimed, settled: Vec<Settled>, hold: Hold) -> Settlement {
    let (endpoint, token) = (claimed.endpoint.id, claimed.token);
    Settlement { endpoint, workspace: workspace(1), token, settled, standing: claimed.standing, hold }
}

/// All that was claimed has arrived.
fn arrived(claimed: &Claimed, when: i64, hold: Hold) -> Settlement {
    let settled = claimed.due.iter().map(|due| self::settled(&due.delivery, when, DeliveryRuling::Delivered)).collect();
    settlement(claimed, settled, hold)
}

/// Returns when this many statements wait for whoever is at work on a table of the schema, or for each other; looks for at
/// most 20 s.
async fn waiting(schema: &Schema, count: i64) {
    const WAITING: &str = "WITH at_work AS (SELECT pid FROM pg_locks JOIN pg_class AS class \
        ON class.oid = relation WHERE granted AND relnamespace = current_schema()::regnamespace), \
        blocked AS (SELECT pid FROM pg_stat_activity WHERE pg_blocking_pids(pid) && ARRAY(SELECT pid FROM at_work)) \
        SELECT count(*) FROM blocked";
    let mut conn = schema.connection().await;
    let all = async { while conn.fetch_one(WAITING).await.unwrap().get::<i64, _>(0) < count {} };
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("they come to wait");
}

/// Has both wait for a queue that somebody is at work on, in this order, and then lets them go on.
async fn both<A, B>(
    schema: &Schema,
    is_first_first: bool,
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    let mut gate = schema.connection().await;
    gate.execute("BEGIN; SELECT FROM waypost_webhook_queue FOR UPDATE").await.unwrap();
    let after = async |turn: bool| {
        if !turn {
            waiting(schema, 1).await
        }
    };
    let first = async {
        after(is_first_first).await;
        first.await
    };
    let second = async {
        after(!is_first_first).await;
        second.await
    };
    let open = async {
        waiting(schema, 2).await;
        gate.execute("COMMIT").await.unwrap();
    };
    let (first, second, ()) = tokio::join!(first, second, open);
    (first, second)
}
