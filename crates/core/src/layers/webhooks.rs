//! The stores of webhook endpoints and of deliveries, inside a layer.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Call, Layer, Layered, Repeat};
use crate::error::Result;
use crate::events::Event;
use crate::ids::{DeliveryId, WebhookId, WorkspaceId};
use crate::page::Page;
use crate::webhooks::{
    Attempt, Claimed, Delivery, DeliveryBacklog, DeliveryLog, DeliveryQuery, DeliveryQueue, DeliveryRecord, Endpoint,
    Held, Measures, Redrive, Room, Settlement, WebhookStore,
};

const fn call(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "webhooks", name, repeat }
}

const fn queue(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "deliveries", name, repeat }
}

const fn log(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "delivery_log", name, repeat }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> WebhookStore for Layered<dyn WebhookStore, L> {
    // One that is there already is told so, at the bound too.
    async fn insert_endpoint(&self, endpoint: &Endpoint, most: u32) -> Result<bool> {
        self.layer.around(call("insert_endpoint", Repeat::Safe), || self.inner.insert_endpoint(endpoint, most)).await
    }

    async fn endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Endpoint>> {
        self.layer.around(call("endpoint", Repeat::Safe), || self.inner.endpoint(workspace, id)).await
    }

    async fn endpoints(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>> {
        self.layer.around(call("endpoints", Repeat::Safe), || self.inner.endpoints(workspace)).await
    }

    async fn subscribers(&self, workspaces: &[WorkspaceId]) -> Result<Vec<Endpoint>> {
        self.layer.around(call("subscribers", Repeat::Safe), || self.inner.subscribers(workspaces)).await
    }

    // Once made, the version is another one, and the same update is refused.
    async fn update_endpoint(&self, endpoint: &Endpoint, events: &[Event]) -> Result<bool> {
        self.layer.around(call("update_endpoint", Repeat::Never), || self.inner.update_endpoint(endpoint, events)).await
    }

    // Once deleted, an endpoint answers that there was none.
    async fn delete_endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
        self.layer.around(call("delete_endpoint", Repeat::Never), || self.inner.delete_endpoint(workspace, id)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> DeliveryQueue for Layered<dyn DeliveryQueue, L> {
    // A delivery is made once.
    async fn enqueue(&self, deliveries: &[Delivery], now: Timestamp) -> Result<usize> {
        self.layer.around(queue("enqueue", Repeat::Safe), || self.inner.enqueue(deliveries, now)).await
    }

    // A claim whose answer was lost holds its queues until its lease ends.
    async fn claim(&self, room: Room, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        self.layer.around(queue("claim", Repeat::Never), || self.inner.claim(room, now, lease)).await
    }

    async fn refill(&self, held: &[Held], now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        self.layer.around(queue("refill", Repeat::Safe), || self.inner.refill(held, now, lease)).await
    }

    // What was given back is not held any more, and a second answer would say so.
    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<WebhookId>> {
        self.layer.around(queue("settle", Repeat::Never), || self.inner.settle(settlements)).await
    }

    // Asked again, it would take the next ones.
    async fn redrive(&self, again: &Redrive, limit: usize, now: Timestamp) -> Result<usize> {
        self.layer.around(queue("redrive", Repeat::Never), || self.inner.redrive(again, limit, now)).await
    }

    async fn backlog(&self) -> Result<DeliveryBacklog> {
        self.layer.around(queue("backlog", Repeat::Safe), || self.inner.backlog()).await
    }

    // A wait has no time of its own: whoever waits bounds it.
    async fn wait(&self) {
        self.inner.wait().await;
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> DeliveryLog for Layered<dyn DeliveryLog, L> {
    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Page<DeliveryRecord, DeliveryId>> {
        self.layer.around(log("deliveries", Repeat::Safe), || self.inner.deliveries(query)).await
    }

    async fn delivery(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>> {
        self.layer.around(log("delivery", Repeat::Safe), || self.inner.delivery(workspace, endpoint, id)).await
    }

    async fn measure(&self, workspace: WorkspaceId, endpoint: WebhookId, since: Timestamp) -> Result<Measures> {
        self.layer.around(log("measure", Repeat::Safe), || self.inner.measure(workspace, endpoint, since)).await
    }

    // What is forgotten is forgotten.
    async fn trim(&self, before: Timestamp) -> Result<usize> {
        self.layer.around(log("trim", Repeat::Safe), || self.inner.trim(before)).await
    }
}
