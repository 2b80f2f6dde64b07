//! What taking queues costs, by how much waits, and what forgetting a day costs, by how much it holds.

use std::time::{Duration, Instant};

use serde_json::json;
use waypost::clock::{Clock as _, SystemClock};
use waypost::events::{Epoch, Event, Position};
use waypost::ids::WebhookId;
use waypost::webhooks::{Claimed, Delivery, DeliveryRuling, Hold, Room, Settled, Settlement};

use crate::node::Node;
use crate::options::Options;
use crate::schema::Schema;
use crate::target::Target;
use crate::{Findings, Outcome};

const RATIO: f64 = 1.2;
/// A hundred times as many rows: what grows with them is the file that is unlinked.
const TRIM_RATIO: f64 = 3.0;
/// Endpoints that deliveries wait for.
const ENDPOINTS: usize = 50;
/// Turns of taking and giving back that are measured, and of which the middle counts.
const TURNS: usize = 300;
const LEASE: Duration = Duration::from_secs(60);

pub(super) async fn measure(options: &Options, schema: &Schema) -> Outcome<Findings> {
    let node = Node::start(schema).await?;
    let mut endpoints = Vec::with_capacity(ENDPOINTS);
    // The engines of the node are not wanted: what is enqueued here waits for whoever claims it.
    let platform = node.platform.clone();
    for n in 0..ENDPOINTS {
        endpoints.push(node.registers(&format!("http://127.0.0.1:9/{n}"), "bench.claim").await?);
    }
    let events: Vec<Event> = (0..1_000).map(|_| node.event("bench.claim")).collect();
    node.stop().await?;
    let queue = &platform.ports().deliveries;
    let mut times = Vec::new();
    let mut enqueued = 0_u64;
    for waiting in [1_000, options.waiting] {
        while enqueued < waiting {
            let count = 1_000.min(waiting - enqueued);
            let make = |n: u64| delivery(&events, &endpoints, enqueued + n);
            queue.enqueue(&(0..count).map(make).collect::<Vec<_>>(), SystemClock.now()).await?;
            enqueued += count;
        }
        // As many are read of each queue as the smaller number has, or the larger one would be more work by itself.
        let mut turns = Vec::with_capacity(TURNS);
        for _ in 0..TURNS {
            let begun = Instant::now();
            let claimed = queue.claim(Room { queues: 10, each: 16 }, SystemClock.now(), LEASE).await?;
            turns.push(begun.elapsed().as_secs_f64() * 1e3);
            if claimed.len() != 10 || claimed.iter().any(|claimed| claimed.due.is_empty()) {
                return Err(format!("{} queues were taken, of which some were empty", claimed.len()).into());
            }
            queue.settle(&claimed.iter().map(given_back).collect::<Vec<_>>()).await?;
        }
        turns.sort_by(f64::total_cmp);
        println!("{waiting:>9} waiting: a claim of 10 queues takes {:.2} ms", turns[TURNS / 2]);
        times.push(turns[TURNS / 2]);
    }
    let ratio = times[1] / times[0];
    let name = format!("a claim with {} waiting, to one with 1,000", options.waiting);
    Ok(Findings { figures: json!({ "claim_ms": times }), targets: vec![Target::at_most(name, ratio, RATIO)] })
}

pub(super) async fn measure_trim(schema: &Schema) -> Outcome<Findings> {
    let node = Node::start(schema).await?;
    let platform = node.platform.clone();
    let endpoint = node.registers("http://127.0.0.1:9/", "bench.trim").await?;
    let events: Vec<Event> = (0..1_000).map(|_| node.event("bench.trim")).collect();
    node.stop().await?;
    let (queue, log) = (&platform.ports().deliveries, &platform.ports().delivery_log);
    let mut times = Vec::new();
    for (days_ago, count) in [(60_i64, 1_000_u64), (59, 100_000)] {
        let day = SystemClock.now() - Duration::from_secs(days_ago.unsigned_abs() * 86_400);
        for first in (0..count).step_by(1_000) {
            let make = |n: u64| {
                let mut delivery = delivery(&events, &[endpoint], first + n);
                delivery.event.created_at = day;
                delivery
            };
            queue.enqueue(&(0..1_000).map(make).collect::<Vec<_>>(), SystemClock.now()).await?;
            // All of it arrives, so that nothing is owed.
            let room = Room { queues: 1, each: 1_000 };
            for claimed in queue.claim(room, SystemClock.now(), LEASE).await? {
                let arrived = |due: &waypost::webhooks::Due| Settled {
                    id: due.delivery.id(),
                    created_at: due.delivery.event.created_at,
                    attempt: None,
                    ruling: DeliveryRuling::Delivered,
                };
                let settled = claimed.due.iter().map(arrived).collect();
                queue.settle(&[Settlement { settled, ..given_back(&claimed) }]).await?;
            }
        }
        let begun = Instant::now();
        let days = log.trim(day + Duration::from_secs(86_400)).await?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        println!("{count:>9} deliveries: {days} day went in {:.1} ms", times[times.len() - 1]);
        if days == 0 {
            return Err("no day was forgotten".into());
        }
    }
    let target = Target::at_most("forgetting a day of 100,000, to one of 1,000", times[1] / times[0], TRIM_RATIO);
    Ok(Findings { figures: json!({ "trim_ms": times }), targets: vec![target] })
}

/// The n-th delivery: each event is owed to each endpoint once, under an id of its own.
fn delivery(events: &[Event], endpoints: &[WebhookId], n: u64) -> Delivery {
    let index = usize::try_from(n).unwrap_or(0);
    let mut event = events[index % events.len()].clone();
    let mut bytes = event.id.to_bytes();
    bytes[10..].copy_from_slice(&n.to_be_bytes()[2..]);
    event.id = waypost::ids::EventId::from_bytes(bytes);
    let position = Position { epoch: Epoch(1), offset: n };
    Delivery { endpoint: endpoints[index % endpoints.len()], event, position, ordering: None }
}

fn given_back(claimed: &Claimed) -> Settlement {
    Settlement {
        endpoint: claimed.endpoint.id,
        workspace: claimed.endpoint.workspace,
        token: claimed.token,
        settled: Vec::new(),
        standing: claimed.standing,
        hold: Hold::Release,
    }
}
