//! The port of what is owed.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::clicks::Interval;
use waypost_core::ids::{DeliveryId, WebhookId};
use waypost_core::webhooks::{
    Claimed, Delivery, DeliveryBacklog, DeliveryQueue, DeliveryRuling, Due, Endpoint, Held, Hold, Redrive, Room,
    Settled, Settlement, Which,
};

use super::{Kept, Queue, State, Webhooks};
use crate::memory::MemoryStore;

impl Queue {
    /// Has a delivery owed that is not: at once, or as soon as no earlier one of its key is.
    fn owe(&mut self, id: DeliveryId, now: Timestamp) {
        let Some(kept) = self.deliveries.get_mut(&id) else { return };
        let offset = kept.delivery.position.offset;
        let mut state = State::Due(now);
        if let Some(key) = &kept.delivery.ordering {
            if first(&self.keyed, key).is_some_and(|(before, _)| before < offset) {
                state = State::Behind;
            }
            self.keyed.insert((key.clone(), offset, id), ());
        }
        if state == State::Due(now) {
            self.due.insert((now, offset, id), ());
        }
        kept.state = state;
    }

    /// Takes a delivery off what is owed, with `state` from now on; the next of its key is due.
    fn done(&mut self, id: DeliveryId, state: State, now: Timestamp) {
        self.undue(id);
        let Some(kept) = self.deliveries.get_mut(&id) else { return };
        kept.state = state;
        let offset = kept.delivery.position.offset;
        let Some(key) = kept.delivery.ordering.clone() else { return };
        self.keyed.remove(&(key.clone(), offset, id));
        if let Some((offset, next)) = first(&self.keyed, &key)
            && let Some(kept) = self.deliveries.get_mut(&next)
            && kept.state == State::Behind
        {
            kept.state = State::Due(now);
            self.due.insert((now, offset, next), ());
        }
    }

    fn undue(&mut self, id: DeliveryId) {
        if let Some(kept) = self.deliveries.get(&id)
            && let State::Due(at) = kept.state
        {
            self.due.remove(&(at, kept.delivery.position.offset, id));
        }
    }

    fn due_at(&mut self, id: DeliveryId, at: Timestamp) {
        self.undue(id);
        if let Some(kept) = self.deliveries.get_mut(&id) {
            kept.state = State::Due(at);
            self.due.insert((at, kept.delivery.position.offset, id), ());
        }
    }

    fn first_due(&self, now: Timestamp, most: usize) -> Vec<Due> {
        let due = self.due.keys().take_while(|(at, ..)| *at <= now).take(most);
        due.filter_map(|(_, _, id)| self.deliveries.get(id))
            .map(|kept| Due { delivery: kept.delivery.clone(), attempts: kept.tried })
            .collect()
    }

    /// When there is something to do for it, if ever.
    fn wakes_at(&self) -> Option<Timestamp> {
        let (at, ..) = self.due.keys().next()?;
        Some(self.standing.paused_until.map_or(*at, |until| until.max(*at)))
    }

    fn settle(&mut self, settled: &Settled, is_held: bool) {
        let Some(kept) = self.deliveries.get_mut(&settled.id) else { return };
        let mut now = settled.created_at;
        if let Some(attempt) = &settled.attempt {
            if kept.attempts.contains(attempt) {
                return;
            }
            now = attempt.at + attempt.duration;
            kept.attempts.push(attempt.clone());
            self.hours.entry(Interval::Hour.floor(attempt.at)).or_default().count(attempt);
        }
        if !is_held || !matches!(kept.state, State::Due(_)) {
            return;
        }
        kept.tried += u32::from(settled.attempt.is_some());
        match &settled.ruling {
            DeliveryRuling::Delivered => self.done(settled.id, State::Delivered, now),
            DeliveryRuling::Retry(at) => self.due_at(settled.id, *at),
            DeliveryRuling::Fail(reason) => self.done(settled.id, State::Failed(reason.clone()), now),
        }
    }

    fn again(&mut self, id: DeliveryId, now: Timestamp) {
        let Some(kept) = self.deliveries.get_mut(&id) else { return };
        kept.tried = 0;
        match kept.state {
            State::Due(_) => self.due_at(id, now),
            State::Behind => {}
            State::Delivered | State::Failed(_) => self.owe(id, now),
        }
    }
}

/// The first of a key that is owed: its place in the log, and itself.
fn first(keyed: &std::collections::BTreeMap<(String, u64, DeliveryId), ()>, key: &str) -> Option<(u64, DeliveryId)> {
    let from = (key.to_owned(), 0, DeliveryId::from_bytes([0; 16]));
    keyed.range(from..).next().filter(|((found, ..), ())| found == key).map(|((_, offset, id), ())| (*offset, *id))
}

impl Webhooks {
    fn by_id(&self, id: WebhookId) -> Option<&Endpoint> {
        self.endpoints.values().find(|endpoint| endpoint.id == id)
    }

    fn claim(&mut self, room: Room, now: Timestamp, lease: Duration) -> Vec<Claimed> {
        let free = |queue: &Queue| queue.leased_until.is_none_or(|until| until <= now);
        let ready = self.queues.iter().filter(|(_, queue)| free(queue));
        let mut ready: Vec<_> = ready.filter_map(|(id, queue)| Some((queue.wakes_at()?, *id))).collect();
        ready.retain(|(at, _)| *at <= now);
        ready.sort();
        ready.truncate(room.queues);
        let mut claimed = Vec::with_capacity(ready.len());
        for (_, id) in ready {
            let Some(endpoint) = self.by_id(id).cloned() else { continue };
            let Some(queue) = self.queues.get_mut(&id) else { continue };
            self.tokens += 1;
            (queue.token, queue.leased_until) = (self.tokens, Some(now + lease));
            let due = queue.first_due(now, room.each);
            claimed.push(Claimed { endpoint, token: queue.token, standing: queue.standing, due });
        }
        claimed
    }

    fn refill(&mut self, held: &[Held], now: Timestamp, lease: Duration) -> Vec<Claimed> {
        let mut claimed = Vec::with_capacity(held.len());
        for held in held {
            let Some(endpoint) = self.by_id(held.endpoint).cloned() else { continue };
            let Some(queue) = self.queues.get_mut(&held.endpoint).filter(|queue| queue.token == held.token) else {
                continue;
            };
            queue.leased_until = Some(now + lease);
            let due = queue.first_due(now, held.want);
            claimed.push(Claimed { endpoint, token: queue.token, standing: queue.standing, due });
        }
        claimed
    }

    fn settle(&mut self, settlements: &[Settlement]) -> Vec<WebhookId> {
        let mut held = Vec::with_capacity(settlements.len());
        for settlement in settlements {
            let Some(queue) = self.queues.get_mut(&settlement.endpoint) else { continue };
            let is_held = queue.token == settlement.token && queue.leased_until.is_some();
            for settled in &settlement.settled {
                queue.settle(settled, is_held);
            }
            if is_held {
                queue.standing = settlement.standing;
                if settlement.hold == Hold::Release {
                    queue.leased_until = None;
                }
                held.push(settlement.endpoint);
            }
        }
        held
    }

    fn redrive(&mut self, again: &Redrive, limit: usize, now: Timestamp) -> usize {
        if !self.endpoints.contains_key(&(again.workspace, again.endpoint)) {
            return 0;
        }
        let Some(queue) = self.queues.get_mut(&again.endpoint) else { return 0 };
        let chosen = |kept: &&Kept| selects(&again.which, kept);
        let ids: Vec<_> = queue.deliveries.values().filter(chosen).take(limit).map(|kept| kept.delivery.id()).collect();
        for id in &ids {
            queue.again(*id, now);
        }
        ids.len()
    }
}

fn selects(which: &Which, kept: &Kept) -> bool {
    match which {
        Which::One(id) => kept.delivery.id() == *id,
        Which::Failed { since, until, types, classes } => {
            let event = &kept.delivery.event;
            let class = kept.attempts.last().and_then(|last| last.result.failure.as_ref()).map(|failure| failure.class);
            matches!(kept.state, State::Failed(_))
                && since.is_none_or(|since| event.created_at >= since)
                && until.is_none_or(|until| event.created_at < until)
                && (types.is_empty() || types.contains(&event.kind))
                && (classes.is_empty() || class.is_some_and(|class| classes.contains(&class)))
        }
    }
}

#[async_trait]
impl DeliveryQueue for MemoryStore {
    async fn enqueue(&self, deliveries: &[Delivery], now: Timestamp) -> Result<usize> {
        let mut made = 0;
        let mut state = self.begin()?;
        for delivery in deliveries {
            let Some(queue) = state.webhooks.queues.get_mut(&delivery.endpoint) else { continue };
            let id = delivery.id();
            if queue.deliveries.contains_key(&id) {
                continue;
            }
            let kept = Kept { delivery: delivery.clone(), state: State::Behind, tried: 0, attempts: Vec::new() };
            queue.deliveries.insert(id, kept);
            queue.owe(id, now);
            made += 1;
        }
        drop(state);
        self.wake_dispatchers();
        Ok(made)
    }

    async fn claim(&self, room: Room, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        Ok(self.begin()?.webhooks.claim(room, now, lease))
    }

    async fn refill(&self, held: &[Held], now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        Ok(self.begin()?.webhooks.refill(held, now, lease))
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<WebhookId>> {
        Ok(self.begin()?.webhooks.settle(settlements))
    }

    async fn redrive(&self, again: &Redrive, limit: usize, now: Timestamp) -> Result<usize> {
        let made = self.begin()?.webhooks.redrive(again, limit, now);
        self.wake_dispatchers();
        Ok(made)
    }

    async fn backlog(&self) -> Result<DeliveryBacklog> {
        let state = self.begin()?;
        let owed = |kept: &&Kept| matches!(kept.state, State::Due(_) | State::Behind);
        let queues = state.webhooks.queues.values();
        let waiting = queues.clone().map(|queue| queue.deliveries.values().filter(owed).count() as u64).sum();
        let oldest = queues.filter_map(|queue| queue.due.keys().next().map(|(at, ..)| *at)).min();
        Ok(DeliveryBacklog { waiting, oldest })
    }

    async fn wait(&self) {
        self.enqueued.notified().await;
    }
}
