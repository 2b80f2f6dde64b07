//! Look-ups that are believed for a moment.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use quick_cache::sync::{Cache, EntryAction, GuardResult};

use crate::clock::Clock;
use crate::credentials::{ApiKey, CredentialStore, KeyHash, Workspace};
use crate::error::Result;
use crate::ids::{KeyId, WorkspaceId};

/// How long a look-up is believed. A key that is revoked on another node stops working here within this time.
const BELIEVED: Duration = Duration::from_secs(1);
/// Keys that are remembered at a time, the unknown ones included; about 4 MB when full.
const REMEMBERED: usize = 10_000;

/// A port whose look-ups are kept in memory for a moment. What is written through it is seen through it at once.
///
/// Not a [`Layer`](super::Layer), which knows nothing of what a call is about: what may be believed, and which writes end
/// that belief, is each port's own. So far that is the [`CredentialStore`], which every request asks who shows a key.
#[derive(Debug)]
pub struct Cached<P: ?Sized> {
    inner: Arc<P>,
    clock: Arc<dyn Clock>,
    known: Cache<KeyHash, Known>,
    /// By which hash a key is known.
    hashes: Cache<KeyId, KeyHash>,
}

/// A key or its absence, and until when that is believed.
#[derive(Clone, Debug)]
struct Known {
    key: Option<ApiKey>,
    until: Timestamp,
}

impl Cached<dyn CredentialStore> {
    /// Keeps what `inner` answers, by `clock`.
    pub fn new(inner: Arc<dyn CredentialStore>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock, known: Cache::new(REMEMBERED), hashes: Cache::new(REMEMBERED) }
    }

    async fn look_up(&self, hash: KeyHash) -> Result<Known> {
        let key = self.inner.key(hash).await?;
        if let Some(key) = &key {
            self.hashes.insert(key.id, hash);
        }
        Ok(Known { key, until: self.clock.now() + BELIEVED })
    }

    /// Forgets a key by its id, if it is known.
    fn forget(&self, id: KeyId) {
        if let Some(hash) = self.hashes.get(&id) {
            self.known.remove(&hash);
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CredentialStore for Cached<dyn CredentialStore> {
    async fn workspace(&self, proposed: Workspace) -> Result<Workspace> {
        self.inner.workspace(proposed).await
    }

    async fn insert_key(&self, key: &ApiKey) -> Result<ApiKey> {
        let kept = self.inner.insert_key(key).await;
        self.known.remove(&key.hash);
        kept
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>> {
        if let Some(known) = self.known.get(&hash) {
            if self.clock.now() < known.until {
                return Ok(known.key);
            }
            self.known.remove_if(&hash, |there| there.until == known.until);
        }
        match self.known.get_value_or_guard(&hash, Some(Duration::ZERO)) {
            GuardResult::Value(known) => Ok(known.key),
            GuardResult::Guard(guard) => {
                let known = self.look_up(hash).await?;
                // One that was written during the look-up is not kept: the write has taken the place away.
                let _ = guard.insert(known.clone());
                Ok(known.key)
            }
            // Another looks it up. To wait for that would be to wait for its time-out too.
            GuardResult::Timeout => self.inner.key(hash).await,
        }
    }

    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>> {
        self.inner.keys(workspace).await
    }

    async fn revoke_key(&self, workspace: WorkspaceId, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>> {
        let revoked = self.inner.revoke_key(workspace, id, now).await;
        // One whose outcome is not known may have been made.
        self.forget(id);
        if let Ok(Some(key)) = &revoked {
            self.known.remove(&key.hash);
        }
        revoked
    }

    async fn expire_key(&self, workspace: WorkspaceId, id: KeyId, at: Timestamp) -> Result<Option<ApiKey>> {
        let expired = self.inner.expire_key(workspace, id, at).await;
        self.forget(id);
        if let Ok(Some(key)) = &expired {
            self.known.remove(&key.hash);
        }
        expired
    }

    /// Notes the use on what is known before it is on record, so that of many who show a key at once one writes.
    async fn touch_keys(&self, used: &[(KeyId, Timestamp)]) -> Result<()> {
        for (id, at) in used {
            let Some(hash) = self.hashes.get(id) else { continue };
            let _ = self.known.entry(&hash, Some(Duration::ZERO), |_, known| {
                if let Some(key) = &mut known.key {
                    key.last_used_at = key.last_used_at.max(Some(*at));
                }
                EntryAction::Retain(())
            });
        }
        let noted = self.inner.touch_keys(used).await;
        if noted.is_err() {
            used.iter().for_each(|(id, _)| self.forget(*id));
        }
        noted
    }

    async fn secret(&self, name: &str, proposed: [u8; 32]) -> Result<[u8; 32]> {
        self.inner.secret(name, proposed).await
    }
}
