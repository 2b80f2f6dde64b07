//! The click store, inside a layer.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Call, Layer, Layered, Repeat};
use crate::clicks::{Admission, Appended, Click, ClickAnchor, ClickStore, Stats, StatsQuery, Take, Telling, Told};
use crate::error::Result;
use crate::ids::{LinkId, WorkspaceId};

const fn call(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "clicks", name, repeat }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> ClickStore for Layered<dyn ClickStore, L> {
    // A click counts once by its id, in whatever batch.
    async fn append(&self, clicks: &[Click]) -> Result<Appended> {
        self.layer.around(call("append", Repeat::Safe), || self.inner.append(clicks)).await
    }

    // Tells more of what is owed, and nothing twice: what was told at this moment must wait.
    async fn tell(&self, telling: Telling<'_>) -> Result<Told> {
        self.layer.around(call("tell", Repeat::Safe), || self.inner.tell(telling)).await
    }

    // One that takes would take two of what is limited; one that looks takes nothing.
    async fn admit(&self, link: LinkId, take: Take) -> Result<Admission> {
        let repeat = match take {
            Take::One => Repeat::Never,
            Take::Look => Repeat::Safe,
        };
        self.layer.around(call("admit", repeat), || self.inner.admit(link, take)).await
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        self.layer.around(call("stats", Repeat::Safe), || self.inner.stats(query)).await
    }

    async fn list(&self, workspace: WorkspaceId, after: Option<ClickAnchor>, limit: usize) -> Result<Vec<Click>> {
        self.layer.around(call("list", Repeat::Safe), || self.inner.list(workspace, after, limit)).await
    }

    // Forgets more of what is to be forgotten, and nothing else.
    async fn forget(&self, before: Timestamp, limit: usize) -> Result<usize> {
        self.layer.around(call("forget", Repeat::Safe), || self.inner.forget(before, limit)).await
    }
}
