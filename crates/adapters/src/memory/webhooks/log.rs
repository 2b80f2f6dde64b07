//! The port of what became of deliveries.

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::clicks::Interval;
use waypost_core::ids::{DeliveryId, WebhookId, WorkspaceId};
use waypost_core::page::Page;
use waypost_core::webhooks::{Attempt, DeliveryLog, DeliveryQuery, DeliveryRecord, DeliveryState, Measures};

use super::{Kept, Queue, State, Webhooks};
use crate::memory::MemoryStore;

impl Webhooks {
    fn queue(&self, workspace: WorkspaceId, endpoint: WebhookId) -> Option<&Queue> {
        self.endpoints.get(&(workspace, endpoint)).and_then(|endpoint| self.queues.get(&endpoint.id))
    }

    /// Forgets whole days, none of which something is owed of.
    fn trim(&mut self, before: Timestamp) -> usize {
        let end = Interval::Day.floor(before);
        let day = |kept: &Kept| Interval::Day.floor(kept.delivery.event.created_at);
        let all = || self.queues.values().flat_map(|queue| queue.deliveries.values());
        let owed: std::collections::BTreeSet<_> =
            all().filter(|kept| matches!(kept.state, State::Due(_) | State::Behind)).map(day).collect();
        let days: std::collections::BTreeSet<_> =
            all().map(day).filter(|day| *day < end && !owed.contains(day)).collect();
        for queue in self.queues.values_mut() {
            queue.deliveries.retain(|_, kept| !days.contains(&day(kept)));
        }
        days.len()
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
        Ok(self.begin()?.webhooks.trim(before))
    }
}
