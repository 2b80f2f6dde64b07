//! The port that keeps credentials.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{ApiKey, KeyHash};
use crate::error::Result;
use crate::ids::{KeyId, WorkspaceId};

/// Keeps workspaces, API keys, and the platform's own secrets.
///
/// # Contract
/// 1. *Hashes only.* No text of a key is ever given to the store.
/// 2. *One by hash.* A hash belongs to one key at most; inserting it again changes nothing and answers with the key
///    that is there.
/// 3. *Revoked for good.* A key that was revoked stays so; revoking it again keeps the first moment.
/// 4. *One secret a name.* Of those who propose a secret under one name, the first wins, and all are given that one.
/// 5. *One workspace a name.* Likewise for workspaces. One that is only looked for is not made.
/// 6. *Walled.* Keys are listed, revoked and brought to an end within their workspace only.
/// 7. *Never longer.* A key's end is brought forward, and never put off.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away.
#[async_trait]
pub trait CredentialStore: Debug + Send + Sync {
    /// The workspace of this name, made as `proposed` if there is none.
    async fn workspace(&self, proposed: Workspace) -> Result<Workspace>;

    /// The workspace of this name, if there is one.
    async fn find_workspace(&self, name: &str) -> Result<Option<Workspace>>;

    /// Keeps a key; answers with the key that is kept under its hash.
    async fn insert_key(&self, key: &ApiKey) -> Result<ApiKey>;

    /// The key with this hash.
    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>>;

    /// The keys of a workspace, oldest first.
    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>>;

    /// Revokes a key; `None` if there is no such key in this workspace.
    async fn revoke_key(&self, workspace: WorkspaceId, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>>;

    /// Has a key end at `at`, if it would not end before; `None` if there is no such key in this workspace.
    async fn expire_key(&self, workspace: WorkspaceId, id: KeyId, at: Timestamp) -> Result<Option<ApiKey>>;

    /// Notes when keys were last used.
    async fn touch_keys(&self, used: &[(KeyId, Timestamp)]) -> Result<()>;

    /// The platform's secret of this name, made as `proposed` if there is none.
    async fn secret(&self, name: &str, proposed: [u8; 32]) -> Result<[u8; 32]>;
}

/// The boundary that nothing crosses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}
