//! The port that keeps webhook endpoints.

use std::fmt::Debug;

use async_trait::async_trait;

use super::Endpoint;
use crate::error::Result;
use crate::events::Event;
use crate::ids::{WebhookId, WorkspaceId};

/// Keeps webhook endpoints.
///
/// # Contract
/// 1. *Sealed.* The store is given secrets sealed, and gives them back byte for byte.
/// 2. *As it was given.* Every field comes back as it went in.
/// 3. *Bounded.* Of those who register at once, no more are kept than the workspace may have.
/// 4. *Walled.* An endpoint is found, listed, changed and deleted within its workspace only.
/// 5. *One id, one endpoint.* An endpoint that is there already stays as it is, and inserting it again answers `true`,
///    however many there are: one who does not know whether it was kept may ask again.
/// 6. *Conditional.* `update_endpoint` changes the version before the one that it is given, and no other; what it tells is in
///    the outbox exactly if it was made.
/// 7. *Whole.* With an endpoint goes what is owed to it.
/// 8. *Subscribers.* `subscribers` gives every endpoint of the workspaces that is enabled.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away.
#[async_trait]
pub trait WebhookStore: Debug + Send + Sync {
    /// Keeps a new endpoint, unless its workspace has `most` already: then `false`.
    async fn insert_endpoint(&self, endpoint: &Endpoint, most: u32) -> Result<bool>;

    /// The endpoint of this id.
    async fn endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Endpoint>>;

    /// The endpoints of a workspace, oldest first.
    async fn endpoints(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>>;

    /// The enabled endpoints of some workspaces, for what happened in them.
    async fn subscribers(&self, workspaces: &[WorkspaceId]) -> Result<Vec<Endpoint>>;

    /// Keeps the endpoint as it is given, with `events`, if the version kept is the one before; says whether it was.
    async fn update_endpoint(&self, endpoint: &Endpoint, events: &[Event]) -> Result<bool>;

    /// Deletes an endpoint; answers whether there was one.
    async fn delete_endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool>;
}
