//! The credential store, inside a layer. Each of its calls is made to be repeated.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Call, Layer, Layered, Repeat};
use crate::credentials::{ApiKey, CredentialStore, KeyHash, Workspace};
use crate::error::Result;
use crate::ids::{KeyId, WorkspaceId};

const fn call(name: &'static str) -> Call {
    Call { port: "credentials", name, repeat: Repeat::Safe }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> CredentialStore for Layered<dyn CredentialStore, L> {
    // The first of those who propose wins, and all are given that one.
    async fn workspace(&self, proposed: Workspace) -> Result<Workspace> {
        self.layer.around(call("workspace"), || self.inner.workspace(proposed.clone())).await
    }

    async fn find_workspace(&self, name: &str) -> Result<Option<Workspace>> {
        self.layer.around(call("find_workspace"), || self.inner.find_workspace(name)).await
    }

    // A hash belongs to one key, whoever inserts it again.
    async fn insert_key(&self, key: &ApiKey) -> Result<ApiKey> {
        self.layer.around(call("insert_key"), || self.inner.insert_key(key)).await
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>> {
        self.layer.around(call("key"), || self.inner.key(hash)).await
    }

    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>> {
        self.layer.around(call("keys"), || self.inner.keys(workspace)).await
    }

    // Keeps the first moment.
    async fn revoke_key(&self, workspace: WorkspaceId, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>> {
        self.layer.around(call("revoke_key"), || self.inner.revoke_key(workspace, id, now)).await
    }

    // Brings it forward to the same moment.
    async fn expire_key(&self, workspace: WorkspaceId, id: KeyId, at: Timestamp) -> Result<Option<ApiKey>> {
        self.layer.around(call("expire_key"), || self.inner.expire_key(workspace, id, at)).await
    }

    async fn touch_keys(&self, used: &[(KeyId, Timestamp)]) -> Result<()> {
        self.layer.around(call("touch_keys"), || self.inner.touch_keys(used)).await
    }

    // As `workspace`.
    async fn secret(&self, name: &str, proposed: [u8; 32]) -> Result<[u8; 32]> {
        self.layer.around(call("secret"), || self.inner.secret(name, proposed)).await
    }
}
