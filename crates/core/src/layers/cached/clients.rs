//! Which client it is.

use std::sync::Arc;

use async_trait::async_trait;

use super::believed::Believed;
use super::{BELIEVED, Cached, Remembered};
use crate::clients::{Client, ClientStore};
use crate::clock::Clock;
use crate::error::Result;
use crate::ids::{ClientId, WorkspaceId};

/// Clients that are remembered at a time, the unknown ones included. Fewer than of others, since each may have 16 KiB of
/// keys and 20 KiB of redirect URIs: some 36 MB when full of such.
const REMEMBERED: usize = 1_000;

/// OAuth clients, the unknown ones included.
#[derive(Debug)]
pub struct Clients {
    known: Believed<ClientId, Option<Client>>,
}

impl Remembered for dyn ClientStore + '_ {
    type Memory = Clients;

    fn blank(clock: &Arc<dyn Clock>) -> Clients {
        Clients { known: Believed::new(clock, BELIEVED, REMEMBERED) }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ClientStore for Cached<dyn ClientStore> {
    async fn insert_client(&self, client: &Client) -> Result<Client> {
        let kept = self.inner.insert_client(client).await;
        self.memory.known.forget(&client.id);
        kept
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>> {
        self.memory.known.look_up(&id, |_| true, async { self.inner.client(id).await }).await
    }

    async fn clients(&self, workspace: WorkspaceId) -> Result<Vec<Client>> {
        self.inner.clients(workspace).await
    }

    async fn update_client(&self, changed: &Client) -> Result<bool> {
        let updated = self.inner.update_client(changed).await;
        // One whose outcome is not known may have been made; and who was too late is to see what came before.
        self.memory.known.forget(&changed.id);
        updated
    }
}
