//! The grant store, inside a layer.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Call, Layer, Layered, Repeat};
use crate::credentials::SecretHash;
use crate::error::Result;
use crate::grants::{Ending, Grant, GrantStore, GrantToken, Turn};
use crate::ids::{GrantId, TokenId, UserId};

const fn call(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "grants", name, repeat }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> GrantStore for Layered<dyn GrantStore, L> {
    // Once kept, a grant finds its own hash in its way.
    async fn open(&self, grant: &Grant, token: &GrantToken) -> Result<()> {
        self.layer.around(call("open", Repeat::Never), || self.inner.open(grant, token)).await
    }

    async fn find(&self, hash: SecretHash) -> Result<Option<(Grant, GrantToken)>> {
        self.layer.around(call("find", Repeat::Safe), || self.inner.find(hash)).await
    }

    async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        self.layer.around(call("grant", Repeat::Safe), || self.inner.grant(id)).await
    }

    async fn grants(&self, user: UserId, now: Timestamp) -> Result<Vec<Grant>> {
        self.layer.around(call("grants", Repeat::Safe), || self.inner.grants(user, now)).await
    }

    // Once turned, a token answers that it was used before: as to a thief, though it was us.
    async fn turn(&self, used: SecretHash, successor: &GrantToken, now: Timestamp) -> Result<Turn> {
        self.layer.around(call("turn", Repeat::Never), || self.inner.turn(used, successor, now)).await
    }

    async fn touch(&self, id: GrantId, at: Timestamp) -> Result<()> {
        self.layer.around(call("touch", Repeat::Safe), || self.inner.touch(id, at)).await
    }

    // Keeps the first moment, and what is to end must end; the count is nothing that one decides by.
    async fn end(&self, which: Ending, now: Timestamp) -> Result<u64> {
        self.layer.around(call("end", Repeat::Safe), || self.inner.end(which, now)).await
    }

    // Extends it to the same moment.
    async fn deny(&self, token: TokenId, until: Timestamp) -> Result<()> {
        self.layer.around(call("deny", Repeat::Safe), || self.inner.deny(token, until)).await
    }

    async fn is_denied(&self, token: TokenId, now: Timestamp) -> Result<bool> {
        self.layer.around(call("is_denied", Repeat::Safe), || self.inner.is_denied(token, now)).await
    }

    // Removes more of what is over, and nothing else.
    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64> {
        self.layer.around(call("sweep", Repeat::Safe), || self.inner.sweep(before, limit)).await
    }
}
