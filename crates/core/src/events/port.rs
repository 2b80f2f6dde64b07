//! The port of the event log.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Event, EventType, Position};
use crate::error::Result;
use crate::ids::WorkspaceId;

/// A log of events that many can read, each at its own place.
///
/// Not a queue: reading takes nothing away. A feed reads with a position of its own; a consumer group has its position
/// kept by the bus, and reads under a lease.
///
/// # Contract
/// 1. *Append.* `publish` appends in the order given and answers with each event's position. Positions grow, and an
///    event that is visible is never followed by one that becomes visible before it later on.
/// 2. *Once.* An event id that is in the log already is not appended again; the answer is its position of then.
/// 3. *Read.* `read` gives the events strictly after a position, in order, that the filter admits, and the position up
///    to which it looked: going on from there misses nothing, even where nothing was admitted.
/// 4. *Reset.* A position of another epoch, one that lies before what is kept, or one beyond the end, is
///    [`Read::Reset`], never an empty page.
/// 5. *Groups.* A group reads from the oldest event kept when it is first seen. `consume` gives one batch at a time,
///    under a lease; what is not acknowledged before the lease ends is given again. `ack` of a superseded lease
///    changes nothing. Groups do not disturb each other.
/// 6. *Wake.* `wait` returns soon after an event later than the position is visible. It is a hint: it may return early,
///    and a caller bounds it in time.
/// 7. *Trim.* `trim` forgets events older than a moment, and never an event that is younger.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the log is away. A publish that failed may have been made: publish
/// the same events again, clause 2 keeps them single.
#[async_trait]
pub trait EventBus: Debug + Send + Sync {
    /// Appends events, and answers with their positions in the same order.
    async fn publish(&self, events: &[Event]) -> Result<Vec<Position>>;

    /// Up to `limit` events after `after`.
    async fn read(&self, after: Position, filter: &EventFilter, limit: usize) -> Result<Read>;

    /// Where the log begins and ends now.
    async fn bounds(&self) -> Result<Bounds>;

    /// Returns when there may be something after `after`. Cancel safe.
    async fn wait(&self, after: Position) -> Result<()>;

    /// The next batch for `group`, leased until `now + lease`; `None` if there is none, or another member has it.
    async fn consume(&self, group: &str, limit: usize, now: Timestamp, lease: Duration) -> Result<Option<Batch>>;

    /// Says that `group` is done with everything up to the end of `batch`.
    async fn ack(&self, group: &str, batch: &Batch) -> Result<Acked>;

    /// Forgets up to `limit` of the oldest events if they were made before `before`; says how many it forgot.
    async fn trim(&self, before: Timestamp, limit: usize) -> Result<usize>;
}

/// Which events are wanted; every condition that is there must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this workspace.
    pub workspace: Option<WorkspaceId>,
    /// Of one of these types; of any if there are none.
    pub types: Vec<EventType>,
    /// Of this subject.
    pub subject: Option<String>,
}

impl EventFilter {
    /// Whether `event` is wanted. What every adapter's query must agree with.
    pub fn admits(&self, event: &Event) -> bool {
        self.workspace.is_none_or(|workspace| event.workspace == workspace)
            && (self.types.is_empty() || self.types.contains(&event.kind))
            && self.subject.as_ref().is_none_or(|subject| event.subject.as_ref() == Some(subject))
    }
}

/// An event at its place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// Its place.
    pub position: Position,
    /// The event.
    pub event: Event,
}

/// What a read found.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// Events in order, and where to go on.
    Events {
        /// The events.
        events: Vec<Logged>,
        /// Up to where the log was looked at.
        next: Position,
        /// Whether there may be more after `next` at once.
        more: bool,
    },
    /// The position means nothing in this log: begin anew, at one of these bounds.
    Reset(Bounds),
}

/// Where a log begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Just before the oldest event kept.
    pub start: Position,
    /// The newest event.
    pub end: Position,
}

/// Events that a group's member works on.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The events in order; never empty.
    pub events: Vec<Logged>,
    /// Proves, on [`EventBus::ack`], that the lease is still this member's.
    pub token: u64,
    /// Whether events were trimmed before the group read them.
    pub gap: bool,
}

/// What became of an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acked {
    /// The group stands after the batch now.
    Moved,
    /// The lease had ended and went to another member: nothing changed.
    Superseded,
}
