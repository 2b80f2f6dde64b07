//! Deliveries: an event that is owed to an endpoint.

use jiff::Timestamp;

use super::Attempt;
use super::endpoint::named;
use crate::events::{Event, Position};
use crate::ids::{DeliveryId, WebhookId};

/// An event for an endpoint. There is one for each pair, whose id is that of the event within its endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// To whom.
    pub endpoint: WebhookId,
    /// What.
    pub event: Event,
    /// The event's place in the log.
    pub position: Position,
    /// What its order is kept by, where the endpoint asks for one.
    pub ordering: Option<String>,
}

impl Delivery {
    /// Its id: the event's, under a prefix of its own.
    pub fn id(&self) -> DeliveryId {
        DeliveryId::from_bytes(self.event.id.to_bytes())
    }
}

/// A delivery, how it stands, and its calls so far.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryRecord {
    /// The delivery.
    pub delivery: Delivery,
    /// How it stands.
    pub state: DeliveryState,
    /// How many calls were made for it.
    pub attempts: u32,
    /// The last of them.
    pub last: Option<Attempt>,
}

/// How a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is owed, and due at this moment; with `None`, as soon as an earlier one of its key is settled.
    Waiting(Option<Timestamp>),
    /// It has arrived.
    Delivered,
    /// It was given up, for this reason, until somebody asks for it again: a dead letter.
    Failed(String),
}

impl DeliveryState {
    /// Its name.
    pub fn status(&self) -> DeliveryStatus {
        match self {
            Self::Waiting(_) => DeliveryStatus::Waiting,
            Self::Delivered => DeliveryStatus::Delivered,
            Self::Failed(_) => DeliveryStatus::Failed,
        }
    }
}

named! {
    /// The name of a delivery's state.
    DeliveryStatus {
        /// It is owed.
        Waiting = "waiting",
        /// It has arrived.
        Delivered = "delivered",
        /// It was given up: a dead letter.
        Failed = "failed",
    }
}
