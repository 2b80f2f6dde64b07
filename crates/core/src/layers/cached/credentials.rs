//! Who shows a key.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use quick_cache::sync::Cache;

use super::believed::Believed;
use super::{BELIEVED, Cached, REMEMBERED, Remembered};
use crate::clock::Clock;
use crate::credentials::{ApiKey, CredentialStore, KeyHash, Workspace};
use crate::error::Result;
use crate::ids::{KeyId, WorkspaceId};

/// API keys, the unknown ones included.
#[derive(Debug)]
pub struct Keys {
    known: Believed<KeyHash, Option<ApiKey>>,
    /// By which hash a key is known.
    hashes: Cache<KeyId, KeyHash>,
}

impl Keys {
    /// Forgets a key by its id, if it is known.
    fn forget(&self, id: KeyId) {
        if let Some(hash) = self.hashes.get(&id) {
            self.known.forget(&hash);
        }
    }

    /// Forgets a key that a write was about. One whose outcome is not known may have been made.
    fn changed(&self, id: KeyId, outcome: &Result<Option<ApiKey>>) {
        self.forget(id);
        if let Ok(Some(key)) = outcome {
            self.known.forget(&key.hash);
        }
    }
}

impl Remembered for dyn CredentialStore + '_ {
    type Memory = Keys;

    fn blank(clock: &Arc<dyn Clock>) -> Keys {
        Keys { known: Believed::new(clock, BELIEVED, REMEMBERED), hashes: Cache::new(REMEMBERED) }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CredentialStore for Cached<dyn CredentialStore> {
    async fn workspace(&self, proposed: Workspace) -> Result<Workspace> {
        self.inner.workspace(proposed).await
    }

    async fn find_workspace(&self, name: &str) -> Result<Option<Workspace>> {
        self.inner.find_workspace(name).await
    }

    async fn insert_key(&self, key: &ApiKey) -> Result<ApiKey> {
        let kept = self.inner.insert_key(key).await;
        self.memory.known.forget(&key.hash);
        kept
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>> {
        let look = async {
            let key = self.inner.key(hash).await?;
            if let Some(key) = &key {
                self.memory.hashes.insert(key.id, hash);
            }
            Ok(key)
        };
        self.memory.known.look_up(&hash, |_| true, look).await
    }

    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>> {
        self.inner.keys(workspace).await
    }

    async fn revoke_key(&self, workspace: WorkspaceId, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>> {
        let revoked = self.inner.revoke_key(workspace, id, now).await;
        self.memory.changed(id, &revoked);
        revoked
    }

    async fn expire_key(&self, workspace: WorkspaceId, id: KeyId, at: Timestamp) -> Result<Option<ApiKey>> {
        let expired = self.inner.expire_key(workspace, id, at).await;
        self.memory.changed(id, &expired);
        expired
    }

    /// Notes the use on what is known before it is on record, so that of many who show a key at once one writes.
    async fn touch_keys(&self, used: &[(KeyId, Timestamp)]) -> Result<()> {
        for (id, at) in used {
            let Some(hash) = self.memory.hashes.get(id) else { continue };
            self.memory.known.amend(&hash, |key| {
                if let Some(key) = key {
                    key.last_used_at = key.last_used_at.max(Some(*at));
                }
            });
        }
        let noted = self.inner.touch_keys(used).await;
        if noted.is_err() {
            used.iter().for_each(|(id, _)| self.memory.forget(*id));
        }
        noted
    }

    async fn secret(&self, name: &str, proposed: [u8; 32]) -> Result<[u8; 32]> {
        self.inner.secret(name, proposed).await
    }
}
