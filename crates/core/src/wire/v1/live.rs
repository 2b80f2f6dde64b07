//! What goes over a WebSocket of live events: one JSON object a message, told apart by `type`.

use serde::{Deserialize, Serialize};

use super::{ErrorDetail, Event, Time};

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Begins to listen.
    Subscribe(SubscribeFrame),
    /// Listens no more.
    Unsubscribe {
        /// Which subscription.
        id: String,
    },
    /// Says that everything up to an event has arrived. Where the subscription has a `window`, that many events are sent
    /// before one must be acknowledged.
    Ack {
        /// Which subscription.
        id: String,
        /// The event's cursor.
        cursor: String,
    },
    /// Asks for a `pong`.
    Ping {},
}

/// What a client wants to hear.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscribeFrame {
    /// What the client calls the subscription: 1 to 64 characters, one of its kind on the socket.
    pub id: String,
    /// Of these types; of any without it. At most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Of this subject, say a link's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Go on after this place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Where to begin without a cursor: `now`, unless it says `start`, the oldest event kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What becomes of a client that is too slow: `disconnect`, unless it says `drop_oldest`, or `conflate`, which also
    /// leaves out counts that a later event has overtaken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overflow: Option<String>,
    /// How many events may be sent before they are acknowledged: 1 to 1,000; without it, acknowledgements are not waited
    /// for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// Whether to be seen by, and told of, everybody who watches the same subject.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub presence: bool,
}

/// What the server sends.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// A subscription stands, and begins after `cursor`.
    Subscribed {
        /// Which subscription.
        id: String,
        /// Where it begins.
        cursor: String,
        /// Whether it goes on where the client left off, with nothing missing.
        recovered: bool,
    },
    /// Something happened.
    Event {
        /// For which subscription.
        id: String,
        /// What.
        event: Box<Event>,
    },
    /// The client's place is gone from the log: it goes on after `cursor`, and what was between is not told.
    Reset {
        /// For which subscription.
        id: String,
        /// Why: `expired`, what lay after the client's place is not kept any more.
        reason: String,
        /// Where it goes on.
        cursor: String,
    },
    /// The client was too slow, and goes on after `cursor`, as it chose to.
    Skipped {
        /// For which subscription.
        id: String,
        /// Where it goes on.
        cursor: String,
    },
    /// A subscription has ended, as the client asked.
    Unsubscribed {
        /// Which subscription.
        id: String,
    },
    /// Who watches the subject at this moment, the client itself included.
    Presence {
        /// For which subscription.
        id: String,
        /// Who.
        members: Vec<Watcher>,
    },
    /// Somebody began to watch.
    Joined {
        /// For which subscription.
        id: String,
        /// Who.
        member: Watcher,
    },
    /// Somebody watches no more.
    Left {
        /// For which subscription.
        id: String,
        /// Who.
        member: Watcher,
    },
    /// The answer to a `ping`.
    Pong {},
    /// What the client sent cannot be done.
    Error {
        /// The subscription that it is about, where it named one.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// What is wrong.
        error: ErrorDetail,
    },
    /// The last word; the socket is closed after it.
    Closing {
        /// Why.
        reason: String,
        /// In how many milliseconds the client may come back.
        reconnect_after_ms: u64,
    },
}

/// Somebody who watches a subject, by one of their sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watcher {
    /// Their session's id.
    pub session: String,
    /// Who it is: a key, a client or a user, by id.
    pub actor: String,
    /// Since when.
    pub since: Time,
}
