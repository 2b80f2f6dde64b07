//! Webhook endpoints in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use waypost_core::Result;
use waypost_core::ids::{WebhookId, WorkspaceId};
use waypost_core::webhooks::{Endpoint, WebhookStore};

use super::MemoryStore;

#[derive(Debug, Default)]
pub(super) struct Webhooks {
    endpoints: BTreeMap<(WorkspaceId, WebhookId), Endpoint>,
}

impl Webhooks {
    fn of(&self, workspace: WorkspaceId) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values().filter(move |endpoint| endpoint.workspace == workspace)
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

    async fn delete_endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
        Ok(self.begin()?.webhooks.endpoints.remove(&(workspace, id)).is_some())
    }
}
