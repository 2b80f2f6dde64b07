//! The port that keeps OAuth clients.

use std::fmt::Debug;

use async_trait::async_trait;

use super::Client;
use crate::error::Result;
use crate::ids::{ClientId, WorkspaceId};

/// Keeps OAuth clients.
///
/// # Contract
/// 1. *Hashes only.* No text of a secret is ever given to the store.
/// 2. *As it was given.* Every field comes back as it went in.
/// 3. *One id, one client.* A client whose id is there already is not kept, and the one that is there is the answer.
/// 4. *Conditional.* A change is made if the row's version is one below that of the change, and not at all otherwise, so
///    of those who change a version at once one wins.
/// 5. *Walled.* Clients are listed and changed within their workspace only; by its id a client is found from everywhere,
///    since it is the client that says who it is.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away.
#[async_trait]
pub trait ClientStore: Debug + Send + Sync {
    /// Keeps a new client; answers with the one that is kept under its id.
    async fn insert_client(&self, client: &Client) -> Result<Client>;

    /// The client of this id.
    async fn client(&self, id: ClientId) -> Result<Option<Client>>;

    /// The clients of a workspace, oldest first.
    async fn clients(&self, workspace: WorkspaceId) -> Result<Vec<Client>>;

    /// Puts `changed` in the place of the version before it. `false`: that version is not there (any more).
    async fn update_client(&self, changed: &Client) -> Result<bool>;
}
