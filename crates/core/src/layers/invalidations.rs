//! Word of changed links, inside a layer.

use async_trait::async_trait;

use super::{Call, Layer, Layered, Repeat};
use crate::error::Result;
use crate::links::{Invalidations, LinkName, Listener};

const fn call(name: &'static str) -> Call {
    Call { port: "invalidations", name, repeat: Repeat::Safe }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> Invalidations for Layered<dyn Invalidations, L> {
    // A link that is forgotten twice costs one look-up more.
    async fn announce(&self, names: &[LinkName]) -> Result<()> {
        self.layer.around(call("announce"), || self.inner.announce(names)).await
    }

    async fn listen(&self) -> Result<Box<dyn Listener>> {
        self.layer.around(call("listen"), || self.inner.listen()).await
    }
}
