//! Issuing keys, and telling who shows one.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{ApiKey, ApiKeyText, CredentialStore, KeyDraft, Principal, Scopes, Workspace};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::error::{Error, Kind, Result};
use crate::ids::{KeyId, WorkspaceId};

/// `last_used_at` is kept to the minute, so that using a key does not mean writing a row.
const USE_RESOLUTION: Duration = Duration::from_secs(60);

/// A key that was just made, with its text.
#[derive(Debug)]
pub struct IssuedKey {
    /// The key.
    pub key: ApiKey,
    /// Its text, which is never to be seen again.
    pub text: ApiKeyText,
}

/// Issues, revokes and recognises keys.
#[derive(Debug)]
pub struct Credentials {
    pub(super) store: Arc<dyn CredentialStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Credentials {
    /// Over `store`, which is asked for each request: put it into [`Cached`](crate::layers::Cached).
    pub fn new(store: Arc<dyn CredentialStore>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { store, clock, entropy }
    }

    /// The workspace of this name, made if there is none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn workspace(&self, name: &str) -> Result<Workspace> {
        let now = self.clock.now();
        let id = WorkspaceId::fresh(now, &*self.entropy);
        self.store.workspace(Workspace { id, name: name.to_owned(), created_at: now }).await
    }

    /// The workspace of this name, which is not made where there is none.
    ///
    /// # Errors
    /// [`Kind::NotFound`](crate::Kind::NotFound); those of the store.
    pub async fn existing_workspace(&self, name: &str) -> Result<Workspace> {
        let found = self.store.find_workspace(name).await?;
        found.ok_or_else(|| Error::not_found("workspace"))
    }

    /// Makes a key with `scopes`, in the name of the operator.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn issue(
        &self,
        workspace: WorkspaceId,
        name: &str,
        scopes: Scopes,
        expires_at: Option<Timestamp>,
    ) -> Result<IssuedKey> {
        let id = KeyId::fresh(self.clock.now(), &*self.entropy);
        let text = ApiKeyText::generate(id, &*self.entropy);
        let draft = KeyDraft { name: name.to_owned(), scopes, plan: None, expires_at };
        let key = self.keep(id, workspace, draft, &text).await?;
        Ok(IssuedKey { key, text })
    }

    /// Takes over a key whose text an operator chose. Taking it over again changes nothing.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn adopt(&self, workspace: WorkspaceId, name: &str, text: &ApiKeyText, scopes: Scopes) -> Result<ApiKey> {
        let id = KeyId::fresh(self.clock.now(), &*self.entropy);
        let draft = KeyDraft { name: name.to_owned(), scopes, plan: None, expires_at: None };
        self.keep(id, workspace, draft, text).await
    }

    pub(super) async fn keep(
        &self,
        id: KeyId,
        workspace: WorkspaceId,
        draft: KeyDraft,
        text: &ApiKeyText,
    ) -> Result<ApiKey> {
        let shown = text.expose();
        let key = ApiKey {
            id,
            workspace,
            name: draft.name,
            hash: text.hash(),
            hint: shown[shown.len() - 4..].to_owned(),
            scopes: draft.scopes,
            plan: draft.plan,
            created_at: self.clock.now(),
            expires_at: draft.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        self.store.insert_key(&key).await
    }

    /// The keys of a workspace, oldest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>> {
        self.store.keys(workspace).await
    }

    /// Revokes a key, on every node within a second.
    ///
    /// # Errors
    /// [`NotFound`](Kind::NotFound) if there is no such key in this workspace.
    pub async fn revoke(&self, workspace: WorkspaceId, id: KeyId) -> Result<ApiKey> {
        let revoked = self.store.revoke_key(workspace, id, self.clock.now()).await?;
        revoked.ok_or_else(|| Error::not_found("API key"))
    }

    /// Who shows this text.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn authenticate(&self, text: &str) -> Result<Principal> {
        self.find(text).await.map(|key| key.principal())
    }

    /// The key of this text, which is used now.
    ///
    /// # Errors
    /// [`Unauthenticated`](Kind::Unauthenticated) for a text that is not a key, not known, or revoked;
    /// [`Expired`](Kind::Expired) for a key whose time is over.
    pub async fn find(&self, text: &str) -> Result<ApiKey> {
        let unknown = || Error::new(Kind::Unauthenticated, "The API key is not known");
        let hash = ApiKeyText::parse(text).ok_or_else(unknown)?.hash();
        let now = self.clock.now();
        let key = self.store.key(hash).await?.ok_or_else(unknown)?;
        if key.revoked_at.is_some() {
            return Err(Error::new(Kind::Unauthenticated, "The API key was revoked"));
        }
        if !key.is_live(now) {
            return Err(Error::new(Kind::Expired, "The API key has expired"));
        }
        self.note_use(&key, now).await;
        Ok(key)
    }

    async fn note_use(&self, key: &ApiKey, now: Timestamp) {
        if key.last_used_at.is_some_and(|at| at + USE_RESOLUTION > now) {
            return;
        }
        if let Err(error) = self.store.touch_keys(&[(key.id, now)]).await {
            tracing::debug!(error = ?error, "the last use of a key was not noted");
        }
    }

    /// The platform's secret of this name, drawn when it is first asked for.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn secret(&self, name: &str) -> Result<[u8; 32]> {
        let mut proposed = [0; 32];
        self.entropy.fill(&mut proposed);
        self.store.secret(name, proposed).await
    }
}
