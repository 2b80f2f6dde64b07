//! Sending what was never sent: events of the log for which an endpoint has no delivery.

use jiff::Timestamp;

use super::fanout::delivery;
use super::{ReplayRequest, Webhooks};
use crate::credentials::Principal;
use crate::error::Result;
use crate::events::{EventFilter, Logged, Position, Read};
use crate::ids::WebhookId;
use crate::page::InvalidCursor;

/// How many events are read at once.
const BATCH: usize = 500;
/// How many reads one call makes: 10,000 events, within a second or two of a request's time.
const MOST_READS: usize = 20;

/// What one part of a replay came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// How many deliveries were made.
    pub created: usize,
    /// Where to go on, if the end of the log was not reached.
    pub next: Option<String>,
}

impl Webhooks {
    /// Has events owed to an endpoint that it asks for now and was never sent, the oldest first. `since` is the owner's own
    /// word, so this reaches back before the registration; no further than events and deliveries are kept. Each is made
    /// once, so asking again does nothing twice. One call looks at 10,000 events of the workspace at most.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`](crate::Kind::InsufficientScope); [`Kind::NotFound`](crate::Kind::NotFound);
    /// [`Kind::Conflict`](crate::Kind::Conflict) where the endpoint is not enabled;
    /// [`Kind::InvalidCursor`](crate::Kind::InvalidCursor) for a cursor of another replay; those of the stores.
    pub async fn replay(&self, who: &Principal, id: WebhookId, request: ReplayRequest) -> Result<Replayed> {
        let endpoint = self.sendable(who, id).await?;
        let cursors = &self.messages.cursors;
        let ReplayRequest { since, until, cursor } = request;
        let binding = format!("replay {} {id} {since} {until:?}", who.workspace).into_bytes();
        let mut after = match cursor {
            Some(cursor) => {
                let bytes = cursors.open(&binding, &cursor)?;
                Position::from_bytes(&bytes).ok_or(InvalidCursor)?
            }
            None => self.bus.bounds().await?.start,
        };
        let filter = EventFilter { workspace: Some(who.workspace), ..EventFilter::default() };
        // What was delivered before that is forgotten, and would be sent again.
        let oldest = self.clock.now().checked_sub(self.keep).unwrap_or(Timestamp::MIN).max(since);
        let within = |at: Timestamp| at >= oldest && until.is_none_or(|until| at < until);
        let mut created = 0;
        for _ in 0..MOST_READS {
            let (events, next, more) = match self.bus.read(after, &filter, BATCH).await? {
                Read::Events { events, next, more } => (events, next, more),
                // What lies before the oldest event kept cannot be sent any more.
                Read::Reset(bounds) => (Vec::new(), bounds.start, true),
            };
            let is_wanted = |logged: &&Logged| within(logged.event.created_at) && endpoint.asks_for(&logged.event);
            let deliveries: Vec<_> =
                events.iter().filter(is_wanted).map(|logged| delivery(&endpoint, logged)).collect();
            if !deliveries.is_empty() {
                created += self.queue.enqueue(&deliveries, self.clock.now()).await?;
            }
            if !more {
                return Ok(Replayed { created, next: None });
            }
            after = next;
        }
        Ok(Replayed { created, next: Some(cursors.seal(&binding, &after.to_bytes())) })
    }
}
