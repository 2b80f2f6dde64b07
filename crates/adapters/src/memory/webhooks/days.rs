//! Deliveries by the day (UTC) of their events: how many are owed, and which there are to forget.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use waypost_core::clicks::Interval;
use waypost_core::events::Event;
use waypost_core::ids::{DeliveryId, WebhookId};

use super::queue::Queue;

/// How many deliveries are forgotten under one hold of the lock: some milliseconds.
const BATCH: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Days {
    days: BTreeMap<Timestamp, Day>,
    /// How many are owed in all.
    pub(super) waiting: u64,
}

#[derive(Debug, Default)]
struct Day {
    owed: u64,
    made: Vec<(WebhookId, DeliveryId)>,
}

/// What one batch of forgetting came to.
pub(super) enum Trimmed {
    /// There was nothing to forget.
    Nothing,
    /// A part of a day is gone.
    Part,
    /// What was left of a day is gone.
    Day,
}

impl Days {
    fn of(&mut self, event: &Event) -> &mut Day {
        self.days.entry(Interval::Day.floor(event.created_at)).or_default()
    }

    /// Notes a delivery.
    pub(super) fn made(&mut self, endpoint: WebhookId, event: &Event) {
        let id = DeliveryId::from_bytes(event.id.to_bytes());
        self.of(event).made.push((endpoint, id));
    }

    /// Notes that one is owed.
    pub(super) fn owed(&mut self, event: &Event) {
        self.of(event).owed += 1;
        self.waiting += 1;
    }

    /// Notes that one is owed no more.
    pub(super) fn settled(&mut self, event: &Event) {
        self.of(event).owed -= 1;
        self.waiting -= 1;
    }

    /// Forgets some of the first day that ended by `end` and of which nothing is owed.
    pub(super) fn trim(&mut self, end: Timestamp, queues: &mut HashMap<WebhookId, Queue>) -> Trimmed {
        let mut ended = self.days.range_mut(..end);
        let Some((day, Day { made, .. })) = ended.find(|(_, day)| day.owed == 0) else { return Trimmed::Nothing };
        let day = *day;
        for (endpoint, id) in made.drain(made.len().saturating_sub(BATCH)..) {
            if let Some(queue) = queues.get_mut(&endpoint) {
                queue.forget(id);
            }
        }
        if !made.is_empty() {
            return Trimmed::Part;
        }
        self.days.remove(&day);
        Trimmed::Day
    }
}
