//! The port of endpoints.

use async_trait::async_trait;
use waypost_core::Result;
use waypost_core::events::Event;
use waypost_core::ids::{WebhookId, WorkspaceId};
use waypost_core::webhooks::{Endpoint, EndpointState, WebhookStore};

use super::Webhooks;
use super::queue::Queue;
use crate::memory::MemoryStore;

impl Webhooks {
    fn of(&self, workspace: WorkspaceId) -> impl Iterator<Item = &Endpoint> {
        let first = (workspace, WebhookId::from_bytes([0; 16]));
        let last = (workspace, WebhookId::from_bytes([0xFF; 16]));
        self.endpoints.range(first..=last).map(|(_, endpoint)| endpoint)
    }
}

#[async_trait]
impl WebhookStore for MemoryStore {
    async fn insert_endpoint(&self, endpoint: &Endpoint, most: u32) -> Result<bool> {
        let mut state = self.begin()?;
        if state.webhooks.endpoints.contains_key(&(endpoint.workspace, endpoint.id)) {
            return Ok(true);
        }
        if state.webhooks.of(endpoint.workspace).count() >= most as usize {
            return Ok(false);
        }
        state.webhooks.endpoints.insert((endpoint.workspace, endpoint.id), endpoint.clone());
        state.webhooks.queues.insert(endpoint.id, Queue::new(endpoint.workspace));
        Ok(true)
    }

    async fn endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Endpoint>> {
        Ok(self.begin()?.webhooks.endpoints.get(&(workspace, id)).cloned())
    }

    async fn endpoints(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>> {
        let state = self.begin()?;
        let mut own: Vec<_> = state.webhooks.of(workspace).cloned().collect();
        own.sort_by_key(|endpoint| (endpoint.created_at, endpoint.id));
        Ok(own)
    }

    async fn subscribers(&self, workspaces: &[WorkspaceId]) -> Result<Vec<Endpoint>> {
        let state = self.begin()?;
        let all = workspaces.iter().flat_map(|workspace| state.webhooks.of(*workspace));
        Ok(all.filter(|endpoint| endpoint.state == EndpointState::Enabled).cloned().collect())
    }

    async fn update_endpoint(&self, endpoint: &Endpoint, events: &[Event]) -> Result<bool> {
        let mut state = self.begin()?;
        let kept = state.webhooks.endpoints.get_mut(&(endpoint.workspace, endpoint.id));
        match kept.filter(|kept| kept.version + 1 == endpoint.version) {
            Some(kept) => *kept = endpoint.clone(),
            None => return Ok(false),
        }
        state.outbox.append(events.iter().cloned());
        self.wake();
        Ok(true)
    }

    async fn delete_endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
        let state = &mut *self.begin()?;
        let webhooks = &mut state.webhooks;
        let is_there = webhooks.endpoints.remove(&(workspace, id)).is_some();
        if is_there && let Some(mut queue) = webhooks.queues.remove(&id) {
            queue.drop_owed(&mut webhooks.days);
            webhooks.turns.take(id, &mut queue);
        }
        Ok(is_there)
    }
}
