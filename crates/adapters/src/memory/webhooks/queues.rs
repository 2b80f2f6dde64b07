//! The port of what is owed.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::ids::WebhookId;
use waypost_core::webhooks::{
    Claimed, Delivery, DeliveryBacklog, DeliveryQueue, Endpoint, Held, Hold, Redrive, Room, Settlement,
};

use super::Webhooks;
use super::queue::Queue;
use crate::memory::MemoryStore;

fn claimed(endpoint: Endpoint, queue: &Queue, now: Timestamp, most: usize) -> Claimed {
    Claimed { endpoint, token: queue.token, standing: queue.standing, due: queue.first_due(now, most) }
}

impl Webhooks {
    fn enqueue(&mut self, deliveries: &[Delivery], now: Timestamp) -> usize {
        let mut made = 0;
        for delivery in deliveries {
            let Some(queue) = self.queues.get_mut(&delivery.endpoint) else { continue };
            if queue.make(delivery, now, &mut self.days) {
                self.turns.put(delivery.endpoint, queue);
                made += 1;
            }
        }
        made
    }

    fn claim(&mut self, room: Room, now: Timestamp, lease: Duration) -> Vec<Claimed> {
        while let Some(id) = self.turns.lapsed(now) {
            let Some(queue) = self.queues.get_mut(&id) else { break };
            self.turns.lapse(id, queue);
        }
        // One that has lapsed by another node's clock is not free by a clock that lags.
        let is_free = |id: &WebhookId| self.queues.get(id).is_some_and(|queue| queue.is_free(now));
        let ready: Vec<_> = self.turns.ready(now).filter(is_free).take(room.queues).collect();
        let mut taken = Vec::with_capacity(ready.len());
        for id in ready {
            let Some(queue) = self.queues.get_mut(&id) else { continue };
            let Some(endpoint) = self.endpoints.get(&(queue.workspace, id)) else { continue };
            self.tokens += 1;
            (queue.token, queue.leased_until) = (self.tokens, Some(now + lease));
            self.turns.put(id, queue);
            taken.push(claimed(endpoint.clone(), queue, now, room.each));
        }
        taken
    }

    fn refill(&mut self, held: &[Held], now: Timestamp, lease: Duration) -> Vec<Claimed> {
        let mut refilled = Vec::with_capacity(held.len());
        for Held { endpoint: id, token, want } in held {
            let queue = self.queues.get_mut(id).filter(|queue| queue.is_held(*token));
            let Some(queue) = queue else { continue };
            let Some(endpoint) = self.endpoints.get(&(queue.workspace, *id)) else { continue };
            queue.leased_until = Some(now + lease);
            self.turns.put(*id, queue);
            refilled.push(claimed(endpoint.clone(), queue, now, *want));
        }
        refilled
    }

    fn settle(&mut self, settlements: &[Settlement]) -> Vec<WebhookId> {
        let mut held = Vec::with_capacity(settlements.len());
        for settlement in settlements {
            let Some(queue) = self.queues.get_mut(&settlement.endpoint) else { continue };
            let is_held = queue.is_held(settlement.token);
            for settled in &settlement.settled {
                queue.settle(settled, is_held, &mut self.days);
            }
            if is_held {
                queue.standing = settlement.standing;
                if settlement.hold == Hold::Release {
                    queue.leased_until = None;
                }
                self.turns.put(settlement.endpoint, queue);
                held.push(settlement.endpoint);
            }
        }
        held
    }

    fn redrive(&mut self, again: &Redrive, limit: usize, now: Timestamp) -> usize {
        let queue = self.queues.get_mut(&again.endpoint).filter(|queue| queue.workspace == again.workspace);
        let Some(queue) = queue else { return 0 };
        let owed = queue.redrive(&again.which, limit, now, &mut self.days);
        self.turns.put(again.endpoint, queue);
        owed
    }
}

impl Queue {
    fn is_held(&self, token: u64) -> bool {
        self.token == token && self.leased_until.is_some()
    }

    fn is_free(&self, now: Timestamp) -> bool {
        self.leased_until.is_none_or(|until| until <= now)
    }
}

#[async_trait]
impl DeliveryQueue for MemoryStore {
    async fn enqueue(&self, deliveries: &[Delivery], now: Timestamp) -> Result<usize> {
        let made = self.begin()?.webhooks.enqueue(deliveries, now);
        if made > 0 {
            self.wake_dispatchers();
        }
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
        let owed = self.begin()?.webhooks.redrive(again, limit, now);
        self.wake_dispatchers();
        Ok(owed)
    }

    async fn backlog(&self) -> Result<DeliveryBacklog> {
        let state = self.begin()?;
        Ok(DeliveryBacklog { waiting: state.webhooks.days.waiting, oldest: state.webhooks.turns.oldest() })
    }

    async fn wait(&self) {
        self.enqueued.notified().await;
    }
}
