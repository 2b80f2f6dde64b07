//! The port of what is owed.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::ids::WebhookId;
use waypost_core::webhooks::{Claimed, Delivery, DeliveryBacklog, DeliveryQueue, Held, Redrive, Room, Settlement};

use super::store::SqliteWebhookStore;
use crate::sqlite::columns::Columns as _;
use crate::sqlite::error::Fault;

/// A sum over days, and one look into each queue in which something is due.
pub(super) const BACKLOG: &str = "SELECT (SELECT coalesce(sum(owed), 0) FROM waypost_delivery_day), \
    (SELECT min((SELECT min(o.due_at) FROM waypost_delivery_owed o WHERE o.endpoint = q.endpoint)) \
    FROM waypost_webhook_queue q WHERE q.due_at IS NOT NULL)";

impl SqliteWebhookStore {
    async fn count(&self) -> Result<DeliveryBacklog, Fault> {
        let row = sqlx::query(BACKLOG).fetch_one(&mut *self.db.read().await?).await?;
        Ok(DeliveryBacklog { waiting: row.count(0)?, oldest: row.maybe_time(1)? })
    }
}

#[async_trait]
impl DeliveryQueue for SqliteWebhookStore {
    async fn enqueue(&self, deliveries: &[Delivery], now: Timestamp) -> Result<usize> {
        Ok(self.make(deliveries, now).await?)
    }

    async fn claim(&self, room: Room, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        Ok(self.take(room, now, lease).await?)
    }

    async fn refill(&self, held: &[Held], now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        Ok(self.renew(held, now, lease).await?)
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<WebhookId>> {
        Ok(self.rule(settlements).await?)
    }

    async fn redrive(&self, again: &Redrive, limit: usize, now: Timestamp) -> Result<usize> {
        Ok(self.revive(again, limit, now).await?)
    }

    async fn backlog(&self) -> Result<DeliveryBacklog> {
        Ok(self.count().await?)
    }

    async fn wait(&self) {
        self.db.wakes().queues.notified().await;
    }
}
