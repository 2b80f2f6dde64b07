//! Webhook endpoints in memory, what is owed to them, and what became of it.

mod days;
mod endpoints;
mod log;
mod queue;
mod queues;
mod turns;

use std::collections::{BTreeMap, HashMap};

use waypost_core::ids::{WebhookId, WorkspaceId};
use waypost_core::webhooks::Endpoint;

use days::Days;
use queue::Queue;
use turns::Turns;

#[derive(Debug, Default)]
pub(super) struct Webhooks {
    endpoints: BTreeMap<(WorkspaceId, WebhookId), Endpoint>,
    queues: HashMap<WebhookId, Queue>,
    turns: Turns,
    days: Days,
    tokens: u64,
}
