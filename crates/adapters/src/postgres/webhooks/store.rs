//! The three ports of webhooks.

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

use super::{KEPT, backlog, claim, endpoints, enqueue, log, redrive, settle, trim};
use crate::postgres::database::Postgres;
use crate::postgres::days::Days;
use crate::postgres::error::Fault;
use crate::postgres::signals::Signal;

/// The batch was in another's way, or its day has just been removed: nothing is kept, and it can be again.
const PASSING: [&str; 3] = ["40001", "40P01", "23514"];
/// How often a batch is tried. Whoever is in the way each time is told to the caller, which comes back later.
const TRIES: usize = 5;

/// Keeps webhook endpoints, what is owed to them, and what became of it, for any number of nodes.
#[derive(Clone, Debug)]
pub struct PostgresWebhookStore {
    db: Postgres,
    days: Days,
}

impl PostgresWebhookStore {
    /// The webhooks in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone(), days: Days::of(&KEPT) }
    }

    async fn owe(&self, deliveries: &[Delivery], now: Timestamp) -> Result<u64, Fault> {
        let mut tries = 1;
        loop {
            self.days.make(&self.db, deliveries.iter().map(|delivery| delivery.event.created_at)).await?;
            match enqueue::enqueue(&self.db, deliveries, now).await {
                Err(fault) if self.may_try_again(&fault, tries) => tries += 1,
                done => return done,
            }
        }
    }

    async fn note(&self, settlements: &[Settlement]) -> Result<Vec<WebhookId>, Fault> {
        let mut tries = 1;
        loop {
            let settled = settlements.iter().flat_map(|settlement| &settlement.settled);
            self.days.make(&self.db, settled.map(|settled| settled.created_at)).await?;
            match settle::settle(&self.db, settlements).await {
                Err(fault) if self.may_try_again(&fault, tries) => tries += 1,
                done => return done,
            }
        }
    }

    fn may_try_again(&self, fault: &Fault, tries: usize) -> bool {
        let may = tries < TRIES && fault.state().is_some_and(|code| PASSING.contains(&&*code));
        if may {
            self.days.doubt();
        }
        may
    }

    async fn forget(&self, before: Timestamp) -> Result<usize, Fault> {
        let mut conn = self.db.connection().await?;
        let forgotten = trim::trim(&mut conn, before).await?;
        self.days.doubt();
        Ok(conn.done(forgotten))
    }
}

#[async_trait]
impl WebhookStore for PostgresWebhookStore {
    async fn insert_endpoint(&self, endpoint: &Endpoint, most: u32) -> Result<bool> {
        Ok(endpoints::insert(&self.db, endpoint, most).await?)
    }

    async fn endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Endpoint>> {
        Ok(endpoints::one(&self.db, workspace, id).await?)
    }

    async fn endpoints(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>> {
        Ok(endpoints::all(&self.db, workspace).await?)
    }

    async fn subscribers(&self, workspaces: &[WorkspaceId]) -> Result<Vec<Endpoint>> {
        Ok(endpoints::subscribers(&self.db, workspaces).await?)
    }

    async fn update_endpoint(&self, endpoint: &Endpoint, events: &[Event]) -> Result<bool> {
        Ok(endpoints::update(&self.db, endpoint, events).await?)
    }

    async fn delete_endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
        Ok(endpoints::delete(&self.db, workspace, id).await?)
    }
}

#[async_trait]
impl DeliveryQueue for PostgresWebhookStore {
    async fn enqueue(&self, deliveries: &[Delivery], now: Timestamp) -> Result<usize> {
        if deliveries.is_empty() {
            return Ok(0);
        }
        let made = self.owe(deliveries, now).await?;
        if made > 0 {
            self.db.signals().wake(Signal::Webhooks);
        }
        Ok(usize::try_from(made).unwrap_or(deliveries.len()))
    }

    async fn claim(&self, room: Room, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        Ok(claim::claim(&self.db, room, now, lease).await?)
    }

    async fn refill(&self, held: &[Held], now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        Ok(claim::refill(&self.db, held, now, lease).await?)
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<WebhookId>> {
        Ok(self.note(settlements).await?)
    }

    async fn redrive(&self, again: &Redrive, limit: usize, now: Timestamp) -> Result<usize> {
        let made = redrive::redrive(&self.db, again, limit, now).await?;
        if made > 0 {
            self.db.signals().wake(Signal::Webhooks);
        }
        Ok(usize::try_from(made).unwrap_or(limit))
    }

    async fn backlog(&self) -> Result<DeliveryBacklog> {
        Ok(backlog::backlog(&self.db).await?)
    }

    async fn wait(&self) {
        self.db.signals().webhooks().await;
    }
}

#[async_trait]
impl DeliveryLog for PostgresWebhookStore {
    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Page<DeliveryRecord, DeliveryId>> {
        Ok(log::page(&self.db, query).await?)
    }

    async fn delivery(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>> {
        Ok(log::one(&self.db, workspace, endpoint, id).await?)
    }

    async fn measure(&self, workspace: WorkspaceId, endpoint: WebhookId, since: Timestamp) -> Result<Measures> {
        Ok(log::measure(&self.db, workspace, endpoint, since).await?)
    }

    async fn trim(&self, before: Timestamp) -> Result<usize> {
        Ok(self.forget(before).await?)
    }
}
