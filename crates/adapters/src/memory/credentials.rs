//! Workspaces, API keys and secrets in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::credentials::{ApiKey, CredentialStore, KeyHash, Workspace};
use waypost_core::ids::{KeyId, WorkspaceId};

use super::MemoryStore;

#[derive(Debug, Default)]
pub(super) struct Credentials {
    workspaces: HashMap<String, Workspace>,
    keys: HashMap<KeyHash, ApiKey>,
    secrets: HashMap<String, Secret>,
}

/// Bytes that no `Debug` prints.
struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[async_trait]
impl CredentialStore for MemoryStore {
    async fn workspace(&self, proposed: Workspace) -> Result<Workspace> {
        let mut state = self.begin()?;
        Ok(state.credentials.workspaces.entry(proposed.name.clone()).or_insert(proposed).clone())
    }

    async fn find_workspace(&self, name: &str) -> Result<Option<Workspace>> {
        Ok(self.begin()?.credentials.workspaces.get(name).cloned())
    }

    async fn insert_key(&self, key: &ApiKey) -> Result<ApiKey> {
        let mut state = self.begin()?;
        Ok(state.credentials.keys.entry(key.hash).or_insert_with(|| key.clone()).clone())
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>> {
        Ok(self.begin()?.credentials.keys.get(&hash).cloned())
    }

    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>> {
        let state = self.begin()?;
        let keys = state.credentials.keys.values().filter(|key| key.workspace == workspace);
        let mut keys: Vec<_> = keys.cloned().collect();
        keys.sort_by_key(|key| (key.created_at, key.id));
        Ok(keys)
    }

    async fn revoke_key(&self, workspace: WorkspaceId, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>> {
        let mut state = self.begin()?;
        let key = state.credentials.keys.values_mut().find(|key| key.id == id && key.workspace == workspace);
        Ok(key.map(|key| {
            key.revoked_at = key.revoked_at.or(Some(now));
            key.clone()
        }))
    }

    async fn expire_key(&self, workspace: WorkspaceId, id: KeyId, at: Timestamp) -> Result<Option<ApiKey>> {
        let mut state = self.begin()?;
        let key = state.credentials.keys.values_mut().find(|key| key.id == id && key.workspace == workspace);
        Ok(key.map(|key| {
            key.expires_at = Some(key.expires_at.map_or(at, |before| before.min(at)));
            key.clone()
        }))
    }

    async fn touch_keys(&self, used: &[(KeyId, Timestamp)]) -> Result<()> {
        let mut state = self.begin()?;
        for key in state.credentials.keys.values_mut() {
            let latest = used.iter().filter(|(id, _)| *id == key.id).map(|(_, at)| *at).max();
            // Nodes report in any order; the latest use is the last one.
            key.last_used_at = key.last_used_at.max(latest);
        }
        Ok(())
    }

    async fn secret(&self, name: &str, proposed: [u8; 32]) -> Result<[u8; 32]> {
        let mut state = self.begin()?;
        Ok(state.credentials.secrets.entry(name.to_owned()).or_insert(Secret(proposed)).0)
    }
}
