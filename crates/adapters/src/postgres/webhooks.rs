//! Webhook endpoints and deliveries.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::events::Event;
use waypost_core::ids::{DeliveryId, WebhookId, WorkspaceId};
use waypost_core::page::Page;
use waypost_core::webhooks::{
    Attempt, Claimed, Delivery, DeliveryBacklog, DeliveryLog, DeliveryQuery, DeliveryQueue, DeliveryRecord, Endpoint,
    Held, Measures, Redrive, Room, Settlement, WebhookStore,
};

use super::database::Postgres;

/// Keeps webhook endpoints, what is owed to them, and what became of it.
#[derive(Clone, Debug)]
pub struct PostgresWebhookStore {
    db: Postgres,
}

impl PostgresWebhookStore {
    /// The endpoints in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }
}

#[async_trait]
impl WebhookStore for PostgresWebhookStore {
    async fn insert_endpoint(&self, _: &Endpoint, _: u32) -> Result<bool> {
        todo!("{:?}", self.db)
    }
    async fn endpoint(&self, _: WorkspaceId, _: WebhookId) -> Result<Option<Endpoint>> {
        todo!()
    }
    async fn endpoints(&self, _: WorkspaceId) -> Result<Vec<Endpoint>> {
        todo!()
    }
    async fn subscribers(&self, _: &[WorkspaceId]) -> Result<Vec<Endpoint>> {
        todo!()
    }
    async fn update_endpoint(&self, _: &Endpoint, _: &[Event]) -> Result<bool> {
        todo!()
    }
    async fn delete_endpoint(&self, _: WorkspaceId, _: WebhookId) -> Result<bool> {
        todo!()
    }
}

#[async_trait]
impl DeliveryQueue for PostgresWebhookStore {
    async fn enqueue(&self, _: &[Delivery], _: Timestamp) -> Result<usize> {
        todo!()
    }
    async fn claim(&self, _: Room, _: Timestamp, _: Duration) -> Result<Vec<Claimed>> {
        todo!()
    }
    async fn refill(&self, _: &[Held], _: Timestamp, _: Duration) -> Result<Vec<Claimed>> {
        todo!()
    }
    async fn settle(&self, _: &[Settlement]) -> Result<Vec<WebhookId>> {
        todo!()
    }
    async fn redrive(&self, _: &Redrive, _: usize, _: Timestamp) -> Result<usize> {
        todo!()
    }
    async fn backlog(&self) -> Result<DeliveryBacklog> {
        todo!()
    }
    async fn wait(&self) {
        todo!()
    }
}

#[async_trait]
impl DeliveryLog for PostgresWebhookStore {
    async fn deliveries(&self, _: &DeliveryQuery) -> Result<Page<DeliveryRecord, DeliveryId>> {
        todo!()
    }
    async fn delivery(
        &self,
        _: WorkspaceId,
        _: WebhookId,
        _: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>> {
        todo!()
    }
    async fn measure(&self, _: WorkspaceId, _: WebhookId, _: Timestamp) -> Result<Measures> {
        todo!()
    }
    async fn trim(&self, _: Timestamp) -> Result<usize> {
        todo!()
    }
}
