//! The feed: a workspace's events, as clients read them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{EventBus, EventFilter, Position, Read};
use crate::credentials::{Principal, Scope};
use crate::engine::{Engine, Next};
use crate::error::{Error, Issue, Kind, Result};
use crate::ids::WorkspaceId;
use crate::page::{Cursors, InvalidCursor, Limit};
use crate::wire::v1;

/// Reads a workspace's events under cursors.
#[derive(Clone, Debug)]
pub struct Feed {
    bus: Arc<dyn EventBus>,
    cursors: Arc<Cursors>,
}

/// Some events of a workspace.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// The events, oldest first, each with its cursor.
    pub events: Vec<v1::Event>,
    /// Where to go on; always there.
    pub next: String,
    /// Whether there may be more at once.
    pub more: bool,
}

impl Feed {
    /// Over `bus`, with cursors sealed by `cursors`.
    pub fn new(bus: Arc<dyn EventBus>, cursors: Arc<Cursors>) -> Self {
        Self { bus, cursors }
    }

    /// The cursor of the newest event of the log: where somebody begins who wants to hear of what comes from now on.
    ///
    /// # Errors
    /// [`InsufficientScope`](crate::Kind::InsufficientScope) without `events:read`.
    pub async fn newest(&self, who: &Principal) -> Result<String> {
        who.require(Scope::EventsRead)?;
        let end = self.bus.bounds().await?.end;
        Ok(self.cursors.seal(&binding(who.workspace), &end.to_bytes()))
    }

    /// Up to `limit` events after `cursor`, or from the oldest one kept. `filter` may narrow it down; the workspace is
    /// the principal's, whatever the filter says.
    ///
    /// # Errors
    /// [`InsufficientScope`](crate::Kind::InsufficientScope) without `events:read`;
    /// [`InvalidCursor`](crate::Kind::InvalidCursor) for a cursor that is forged, of another workspace, or older than
    /// what is kept.
    pub async fn list(
        &self,
        who: &Principal,
        mut filter: EventFilter,
        cursor: Option<&str>,
        limit: Limit,
    ) -> Result<FeedPage> {
        who.require(Scope::EventsRead)?;
        filter.workspace = Some(who.workspace);
        let binding = binding(who.workspace);
        let after = match cursor {
            Some(cursor) => {
                let position = self.cursors.open(&binding, cursor)?;
                Position::from_bytes(&position).ok_or(InvalidCursor)?
            }
            None => self.bus.bounds().await?.start,
        };
        match self.bus.read(after, &filter, limit.get()).await? {
            Read::Reset(_) => Err(expired_cursor()),
            Read::Events { events, next, more } => {
                let seal = |position: Position| self.cursors.seal(&binding, &position.to_bytes());
                let events = events
                    .iter()
                    .map(|logged| v1::Event::of(&logged.event, seal(logged.position)).map_err(Error::internal))
                    .collect::<Result<_>>()?;
                Ok(FeedPage { events, next: seal(next), more })
            }
        }
    }
}

/// The cursor was good, and what it points at is gone. A reader begins anew, without one.
pub fn expired_cursor() -> Error {
    let issue = Issue::new("query.cursor", "points at events that are not kept any more; begin anew without a cursor");
    Error::new(Kind::InvalidCursor, "The events after the cursor are not kept any more").with_issues(vec![issue])
}

/// A cursor of events is bound to its workspace, not to the filter: a reader may narrow its view and go on.
pub(crate) fn binding(workspace: WorkspaceId) -> Vec<u8> {
    format!("events {workspace}").into_bytes()
}

/// Forgets events that are older than they need to be kept.
#[derive(Debug)]
pub struct Retention {
    bus: Arc<dyn EventBus>,
    keep: Duration,
}

impl Retention {
    /// Keeps the events of `bus` for `keep`.
    pub fn new(bus: Arc<dyn EventBus>, keep: Duration) -> Self {
        Self { bus, keep }
    }
}

#[async_trait::async_trait]
impl Engine for Retention {
    fn name(&self) -> &'static str {
        "event_retention"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        const BATCH: usize = 1_000;
        let trimmed = self.bus.trim(now - self.keep, BATCH).await?;
        Ok(if trimmed == BATCH { Next::Now } else { Next::At(now + Duration::from_secs(600)) })
    }
}
