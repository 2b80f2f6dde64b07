//! The port of what became of deliveries.

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::clicks::Interval;
use waypost_core::ids::{DeliveryId, WebhookId, WorkspaceId};
use waypost_core::page::Page;
use waypost_core::webhooks::{Attempt, DeliveryLog, DeliveryQuery, DeliveryRecord, DeliveryState, Measures};

use super::Webhooks;
use super::days::Trimmed;
use super::queue::{Kept, Queue, State};
use crate::memory::MemoryStore;

impl Webhooks {
    fn queue(&self, workspace: WorkspaceId, endpoint: WebhookId) -> Option<&Queue> {
        self.queues.get(&endpoint).filter(|queue| queue.workspace == workspace)
    }
}

fn record(kept: &Kept) -> DeliveryRecord {
    let state = match &kept.state {
        State::Due(at) => DeliveryState::Waiting(Some(*at)),
        State::Behind => DeliveryState::Waiting(None),
        State::Delivered => DeliveryState::Delivered,
        State::Failed(reason) => DeliveryState::Failed(reason.clone()),
    };
    DeliveryRecord {
        delivery: kept.delivery.clone(),
        state,
        attempts: kept.attempts.len() as u32,
        last: kept.attempts.last().cloned(),
    }
}

fn admits(query: &DeliveryQuery, record: &DeliveryRecord) -> bool {
    let event = &record.delivery.event;
    query.status.is_none_or(|status| record.state.status() == status)
        && query.kind.as_ref().is_none_or(|kind| event.kind == *kind)
        && query.created_after.is_none_or(|after| event.created_at > after)
        && query.created_before.is_none_or(|before| event.created_at < before)
        && query.after.is_none_or(|after| record.delivery.id() < after)
}

#[async_trait]
impl DeliveryLog for MemoryStore {
    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Page<DeliveryRecord, DeliveryId>> {
        let state = self.begin()?;
        let kept = state.webhooks.queue(query.workspace, query.endpoint).into_iter();
        let newest = kept.flat_map(|queue| queue.deliveries.values().rev()).map(record);
        let rows = newest.filter(|record| admits(query, record)).take(query.limit.get() + 1).collect();
        Ok(Page::cut(rows, query.limit, |record: &DeliveryRecord| record.delivery.id()))
    }

    async fn delivery(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>> {
        let state = self.begin()?;
        let kept = state.webhooks.queue(workspace, endpoint).and_then(|queue| queue.deliveries.get(&id));
        Ok(kept.map(|kept| (record(kept), kept.attempts.clone())))
    }

    async fn measure(&self, workspace: WorkspaceId, endpoint: WebhookId, since: Timestamp) -> Result<Measures> {
        let state = self.begin()?;
        let mut sum = Measures::default();
        if let Some(queue) = state.webhooks.queue(workspace, endpoint) {
            queue.hours.range(since..).for_each(|(_, hour)| sum.add(hour));
        }
        Ok(sum)
    }

    async fn trim(&self, before: Timestamp) -> Result<usize> {
        let end = Interval::Day.floor(before);
        let mut days = 0;
        self.begin()?.webhooks.queues.values_mut().for_each(|queue| queue.hours = queue.hours.split_off(&end));
        loop {
            // The lock is let go after each batch, so that nobody waits for the whole of a day.
            let state = &mut *self.begin()?;
            let webhooks = &mut state.webhooks;
            match webhooks.days.trim(end, &mut webhooks.queues) {
                Trimmed::Nothing => return Ok(days),
                Trimmed::Part => {}
                Trimmed::Day => days += 1,
            }
        }
    }
}
