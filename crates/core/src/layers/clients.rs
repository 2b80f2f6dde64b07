//! The client store, inside a layer.

use async_trait::async_trait;

use super::{Call, Layer, Layered, Repeat};
use crate::clients::{Client, ClientStore};
use crate::error::Result;
use crate::ids::{ClientId, WorkspaceId};

const fn call(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "clients", name, repeat }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> ClientStore for Layered<dyn ClientStore, L> {
    // An id belongs to one client, whoever inserts it again.
    async fn insert_client(&self, client: &Client) -> Result<Client> {
        self.layer.around(call("insert_client", Repeat::Safe), || self.inner.insert_client(client)).await
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>> {
        self.layer.around(call("client", Repeat::Safe), || self.inner.client(id)).await
    }

    async fn clients(&self, workspace: WorkspaceId) -> Result<Vec<Client>> {
        self.layer.around(call("clients", Repeat::Safe), || self.inner.clients(workspace)).await
    }

    // Once made, a change finds its own version in its way, and answers that it was not made.
    async fn update_client(&self, changed: &Client) -> Result<bool> {
        self.layer.around(call("update_client", Repeat::Never), || self.inner.update_client(changed)).await
    }
}
