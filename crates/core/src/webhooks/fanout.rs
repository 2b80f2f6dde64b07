//! From the log to the queues: one delivery for each event and endpoint.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Delivery, DeliveryQueue, Endpoint, WebhookStore};
use crate::engine::{Engine, Next};
use crate::error::Result;
use crate::events::{Batch, EventBus, Logged, Position};
use crate::ids::WorkspaceId;

/// The consumer group in whose name the log is read.
const GROUP: &str = "webhooks";
/// How many events are taken at once: enough that a busy log is one round trip for hundreds.
const BATCH: usize = 500;
/// How many deliveries are written at once, so that an event for a hundred endpoints does not make one large transaction.
const MOST_AT_ONCE: usize = 1_000;
/// How long a batch is leased. A node that dies holds the log up for this long; a batch takes a small part of it.
const LEASE: Duration = Duration::from_secs(5);
/// How often to look without being woken.
const POLL: Duration = Duration::from_secs(1);

/// Reads the log as a group, and has each event owed to the endpoints that want it. At least once: a batch whose deliveries
/// were written and not acknowledged is read again, and makes none a second time.
#[derive(Debug)]
pub struct Fanout {
    bus: Arc<dyn EventBus>,
    endpoints: Arc<dyn WebhookStore>,
    queue: Arc<dyn DeliveryQueue>,
    /// Where the log ended when there was nothing to take.
    seen: Option<Position>,
}

impl Fanout {
    /// From `bus` to `queue`, for those in `endpoints`.
    pub fn new(bus: Arc<dyn EventBus>, endpoints: Arc<dyn WebhookStore>, queue: Arc<dyn DeliveryQueue>) -> Self {
        Self { bus, endpoints, queue, seen: None }
    }

    /// The next batch, if there is one. Where there is none, the end of the log is noted and one more look is taken: what
    /// came in between would be waited for otherwise.
    async fn take(&mut self, now: Timestamp) -> Result<Option<Batch>> {
        if let Some(batch) = self.bus.consume(GROUP, BATCH, now, LEASE).await? {
            return Ok(Some(batch));
        }
        self.seen = Some(self.bus.bounds().await?.end);
        self.bus.consume(GROUP, BATCH, now, LEASE).await
    }

    async fn spread(&self, events: &[Logged], now: Timestamp) -> Result<()> {
        let workspaces: BTreeSet<_> = events.iter().map(|logged| logged.event.workspace).collect();
        let workspaces: Vec<_> = workspaces.into_iter().collect();
        let mut subscribers: HashMap<WorkspaceId, Vec<Endpoint>> = HashMap::new();
        for endpoint in self.endpoints.subscribers(&workspaces).await? {
            subscribers.entry(endpoint.workspace).or_default().push(endpoint);
        }
        let mut deliveries = Vec::new();
        for logged in events {
            let endpoints = subscribers.get(&logged.event.workspace).into_iter().flatten();
            for endpoint in endpoints.filter(|endpoint| endpoint.wants(&logged.event)) {
                deliveries.push(delivery(endpoint, logged));
                if deliveries.len() == MOST_AT_ONCE {
                    self.queue.enqueue(&deliveries, now).await?;
                    deliveries.clear();
                }
            }
        }
        if !deliveries.is_empty() {
            self.queue.enqueue(&deliveries, now).await?;
        }
        Ok(())
    }
}

/// The delivery of an event to an endpoint.
pub(super) fn delivery(endpoint: &Endpoint, logged: &Logged) -> Delivery {
    Delivery {
        endpoint: endpoint.id,
        event: logged.event.clone(),
        position: logged.position,
        ordering: endpoint.ordering_key(&logged.event),
    }
}

#[async_trait]
impl Engine for Fanout {
    fn name(&self) -> &'static str {
        "webhook_fanout"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        let Some(batch) = self.take(now).await? else { return Ok(Next::At(now + POLL)) };
        if batch.gap {
            metrics::counter!("waypost_webhook_gaps_total").increment(1);
            tracing::error!("events were trimmed before webhooks read them: keep events for longer, or run more nodes");
        }
        self.spread(&batch.events, now).await?;
        self.bus.ack(GROUP, &batch).await?;
        Ok(Next::Now)
    }

    async fn woken(&self) {
        if let Some(seen) = self.seen
            && self.bus.wait(seen).await.is_ok()
        {
            return;
        }
        // That the log cannot be waited for is for the next round to tell.
        std::future::pending::<()>().await;
    }
}
