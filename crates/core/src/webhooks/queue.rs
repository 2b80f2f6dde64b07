//! The port that keeps what is owed to endpoints.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Attempt, Delivery, Endpoint, FailureClass, Standing};
use crate::error::Result;
use crate::events::EventType;
use crate::ids::{DeliveryId, WebhookId, WorkspaceId};

/// Keeps what is owed to endpoints, until it has arrived.
///
/// Not the deliveries are leased but the queue of an endpoint as a whole (docs/adr/0018): whoever has it decides alone how
/// many calls are under way, how fast, and in which order, so limits, order and the circuit breaker hold over all nodes
/// without a word between them.
///
/// # Contract
/// 1. *Once.* A delivery is made once for each endpoint and event, however often it is enqueued, and also after it has
///    arrived or was given up. One of an endpoint that is not there is not made.
/// 2. *Leased.* `claim` gives queues in which something is due and that nobody holds, those first that have been due for
///    longest. A queue that is held is given to nobody else until its lease ends or it is given back. Its token is
///    superseded by that it is given back or claimed anew, and by nothing else; a later token is higher.
/// 3. *Fenced.* A settlement under a token that was superseded changes nothing of the queue: its attempts are kept, since
///    the calls were made, and that is all.
/// 4. *Due first.* A queue's deliveries come in the order in which they are due, then in that of the log. `claim` and
///    `refill` give the first ones that are due, those that are under way included.
/// 5. *In order.* A delivery with an ordering key waits while an earlier one of its key (in the log) is owed to the endpoint.
///    One that was redriven takes its place before those that are not due yet, and holds up none that is.
/// 6. *On record.* Attempts, what becomes of their deliveries, and how the endpoint stands commit together: no outcome is
///    ever known whose attempt is not.
/// 7. *Never forgotten.* What is owed stays so until it is settled or its endpoint is deleted. A queue that is given back,
///    or whose lease has ended, is claimed again when something in it is due, and not before its standing's pause is over.
/// 8. *Again.* `redrive` has deliveries owed anew, with their attempts counted from zero; what is owed already is due now.
/// 9. *Wake.* `wait` returns soon after something was enqueued or redriven. It is a hint: it may return early, and a caller
///    bounds it in time.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away. After a settlement that failed the caller does not
/// know whether it was made, and makes it again: an attempt that is on record (the same number at the same moment) is not
/// kept twice, and has no consequence a second time.
#[async_trait]
pub trait DeliveryQueue: Debug + Send + Sync {
    /// Has deliveries owed, due at `now`; says how many of them are new.
    async fn enqueue(&self, deliveries: &[Delivery], now: Timestamp) -> Result<usize>;

    /// Leases up to `queues` queues until `now + lease`, each with up to `each` deliveries that are due.
    async fn claim(&self, room: Room, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>>;

    /// Renews leases until `now + lease`, and gives the first deliveries that are due. A queue whose token was superseded,
    /// or whose endpoint is gone, is missing in the answer.
    async fn refill(&self, held: &[Held], now: Timestamp, lease: Duration) -> Result<Vec<Claimed>>;

    /// Settles deliveries of queues that are held; says which of them still were.
    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<WebhookId>>;

    /// Has up to `limit` deliveries owed again that are selected, the oldest first; says how many.
    async fn redrive(&self, again: &Redrive, limit: usize, now: Timestamp) -> Result<usize>;

    /// What is owed in all.
    async fn backlog(&self) -> Result<DeliveryBacklog>;

    /// Returns when there may be something due. Cancel safe.
    async fn wait(&self);
}

/// How much is claimed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// At most so many queues.
    pub queues: usize,
    /// At most so many deliveries of each.
    pub each: usize,
}

/// A queue that the caller holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whose.
    pub endpoint: WebhookId,
    /// Proves that it is held.
    pub token: u64,
    /// How many deliveries are wanted, those under way included.
    pub want: usize,
}

/// An endpoint's queue under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The endpoint as it is now.
    pub endpoint: Endpoint,
    /// Proves, on [`DeliveryQueue::settle`], that the lease is still held.
    pub token: u64,
    /// How the endpoint stands.
    pub standing: Standing,
    /// The first deliveries that are due.
    pub due: Vec<Due>,
}

/// A delivery that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// The delivery.
    pub delivery: Delivery,
    /// How many calls were made for it since it was last asked for.
    pub attempts: u32,
}

/// What became of calls to one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// Whose queue.
    pub endpoint: WebhookId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The token that it is held under.
    pub token: u64,
    /// What became of each delivery; each at most once.
    pub settled: Vec<Settled>,
    /// How the endpoint stands now.
    pub standing: Standing,
    /// Whether the queue is held on.
    pub hold: Hold,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The delivery.
    pub id: DeliveryId,
    /// When its event was made, by which it is found sooner.
    pub created_at: Timestamp,
    /// The call that was made, if one was.
    pub attempt: Option<Attempt>,
    /// What is to become of it.
    pub ruling: DeliveryRuling,
}

/// What is to become of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryRuling {
    /// It has arrived: nothing is owed.
    Delivered,
    /// Try again, not before this moment.
    Retry(Timestamp),
    /// Give it up, for this reason.
    Fail(String),
}

/// Whether a queue is held on after a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It is.
    Keep,
    /// It is given back.
    Release,
}

/// Which deliveries of an endpoint are to be owed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The endpoint.
    pub endpoint: WebhookId,
    /// Which.
    pub which: Which,
}

/// Which deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one, whatever its state.
    One(DeliveryId),
    /// Those that were given up, as far as every condition holds.
    Failed {
        /// Of events that were made at this moment or later.
        since: Option<Timestamp>,
        /// Of events that were made before this moment.
        until: Option<Timestamp>,
        /// Of one of these types; of any if there are none.
        types: Vec<EventType>,
        /// Whose last call failed in one of these ways; in any if there are none.
        classes: Vec<FailureClass>,
    },
}

/// What is owed in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryBacklog {
    /// Deliveries that are owed, those counted that wait for another try.
    pub waiting: u64,
    /// Since when the one is due that has been due for longest.
    pub oldest: Option<Timestamp>,
}
