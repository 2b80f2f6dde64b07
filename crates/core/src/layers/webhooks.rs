//! The store of webhook endpoints, inside a layer.

use async_trait::async_trait;

use super::{Call, Layer, Layered, Repeat};
use crate::error::Result;
use crate::ids::{WebhookId, WorkspaceId};
use crate::webhooks::{Endpoint, WebhookStore};

const fn call(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "webhooks", name, repeat }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> WebhookStore for Layered<dyn WebhookStore, L> {
    // One that is there already is told so, at the bound too.
    async fn insert_endpoint(&self, endpoint: &Endpoint, most: u32) -> Result<bool> {
        self.layer.around(call("insert_endpoint", Repeat::Safe), || self.inner.insert_endpoint(endpoint, most)).await
    }

    async fn endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Endpoint>> {
        self.layer.around(call("endpoint", Repeat::Safe), || self.inner.endpoint(workspace, id)).await
    }

    async fn endpoints(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>> {
        self.layer.around(call("endpoints", Repeat::Safe), || self.inner.endpoints(workspace)).await
    }

    // Once deleted, an endpoint answers that there was none.
    async fn delete_endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
        self.layer.around(call("delete_endpoint", Repeat::Never), || self.inner.delete_endpoint(workspace, id)).await
    }
}
