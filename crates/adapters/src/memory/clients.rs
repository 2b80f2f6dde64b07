//! OAuth clients in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use waypost_core::Result;
use waypost_core::clients::{Client, ClientStore};
use waypost_core::ids::{ClientId, WorkspaceId};

use super::MemoryStore;

#[derive(Debug, Default)]
pub(super) struct Clients {
    by_id: BTreeMap<ClientId, Client>,
}

#[async_trait]
impl ClientStore for MemoryStore {
    async fn insert_client(&self, client: &Client) -> Result<Client> {
        let mut state = self.begin()?;
        Ok(state.clients.by_id.entry(client.id).or_insert_with(|| client.clone()).clone())
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>> {
        Ok(self.begin()?.clients.by_id.get(&id).cloned())
    }

    async fn clients(&self, workspace: WorkspaceId) -> Result<Vec<Client>> {
        let state = self.begin()?;
        let own = state.clients.by_id.values().filter(|client| client.workspace == workspace);
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by_key(|client| (client.created_at, client.id));
        Ok(own)
    }

    async fn update_client(&self, changed: &Client) -> Result<bool> {
        let mut state = self.begin()?;
        let kept = state.clients.by_id.get_mut(&changed.id);
        let before = |kept: &&mut Client| kept.workspace == changed.workspace && kept.version + 1 == changed.version;
        let Some(kept) = kept.filter(before) else { return Ok(false) };
        *kept = changed.clone();
        Ok(true)
    }
}
