//! Webhook endpoints in memory, what is owed to them, and what became of it.

mod endpoints;
mod log;
mod queue;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use waypost_core::ids::{DeliveryId, WebhookId, WorkspaceId};
use waypost_core::webhooks::{Attempt, Delivery, Endpoint, Measures, Standing};

#[derive(Debug, Default)]
pub(super) struct Webhooks {
    endpoints: BTreeMap<(WorkspaceId, WebhookId), Endpoint>,
    queues: HashMap<WebhookId, Queue>,
    tokens: u64,
}

/// What belongs to one endpoint.
#[derive(Debug, Default)]
struct Queue {
    token: u64,
    leased_until: Option<Timestamp>,
    standing: Standing,
    /// Every delivery that is kept, by the id of its event.
    deliveries: BTreeMap<DeliveryId, Kept>,
    /// What is due, and when: in this order, then in that of the log.
    due: BTreeMap<(Timestamp, u64, DeliveryId), ()>,
    /// What has an ordering key and is owed, in the order of the log.
    keyed: BTreeMap<(String, u64, DeliveryId), ()>,
    hours: BTreeMap<Timestamp, Measures>,
}

/// A delivery and how it stands.
#[derive(Debug)]
struct Kept {
    delivery: Delivery,
    state: State,
    /// Calls since it was last asked for.
    tried: u32,
    attempts: Vec<Attempt>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Due at a moment.
    Due(Timestamp),
    /// Behind an earlier one of its key.
    Behind,
    Delivered,
    Failed(String),
}
