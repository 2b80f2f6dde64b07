//! The port of transports, and what goes through it.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Frame;
use super::presence::{Members, Presence};

/// Which way a session's frames go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Server-sent events.
    Sse,
    /// A WebSocket.
    WebSocket,
    /// A held poll.
    LongPoll,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sse, Self::WebSocket, Self::LongPoll];

    /// Its name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
            Self::LongPoll => "long_poll",
        }
    }
}

/// Carries what a session has to tell to its one subscriber.
///
/// A sink that is polled: a session lives in the task of its connection, and costs no other. Webhooks have a port of their
/// own, [`WebhookTransport`](crate::webhooks::WebhookTransport): a call brings back evidence, and is made anew when it fails.
///
/// # Contract
/// 1. *In order.* Pushes go out in the order in which they were handed over, each once.
/// 2. *Back-pressure.* [`poll_ready`](Self::poll_ready) is pending while as much lies here as the transport holds at most;
///    it is bounded in bytes, and wakes who waits for it. [`Push::Closing`] is taken even then.
/// 3. *Gathered.* What is handed over before a [`poll_flush`](Self::poll_flush) goes out in as few writes as its size allows.
/// 4. *Gone for good.* Once the subscriber is away every call says [`Gone`].
pub trait PushTransport: Send {
    /// Whether one more push can be taken.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>>;

    /// Takes a push.
    fn push(&mut self, push: Push);

    /// Sends what was taken.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>>;
}

/// The subscriber is away and does not come back this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subscriber is gone")]
pub struct Gone;

/// One thing that a session tells. `id` is the subscription's, as its client called it.
#[derive(Clone, Debug)]
pub enum Push {
    /// A subscription stands, and begins after this place.
    Subscribed {
        /// Which.
        id: Arc<str>,
        /// Where it begins.
        cursor: Box<str>,
        /// Whether it goes on where the client left off, with nothing missing.
        recovered: bool,
    },
    /// Something happened.
    Event {
        /// For which subscription.
        id: Arc<str>,
        /// What.
        frame: Arc<Frame>,
    },
    /// The client's place is gone from the log: it goes on at the oldest event kept, and what was between is not told.
    Reset {
        /// For which subscription.
        id: Arc<str>,
        /// Where it goes on.
        cursor: Box<str>,
    },
    /// The subscriber was too slow, and chose to miss something rather than be cut off.
    Skipped {
        /// For which subscription.
        id: Arc<str>,
        /// Where it goes on.
        cursor: Box<str>,
    },
    /// Who watches the subject of a subscription.
    Present {
        /// Of which subscription.
        id: Arc<str>,
        /// Who.
        members: Arc<Members>,
    },
    /// Somebody began to watch it.
    Joined {
        /// Of which subscription.
        id: Arc<str>,
        /// Who.
        presence: Presence,
    },
    /// Somebody watches it no more.
    Left {
        /// Of which subscription.
        id: Arc<str>,
        /// Who.
        presence: Presence,
    },
    /// Nothing happened, and the subscriber is still there.
    Heartbeat,
    /// The last word.
    Closing(Closing),
}

/// Why a session ends, and when its client may come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Why.
    pub reason: Reason,
    /// In how long the client may come back.
    pub reconnect_after: Duration,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The node stops.
    Drain,
    /// It has lasted as long as sessions last.
    Lifetime,
    /// What it was opened with is over, or about to be.
    TokenEnded,
    /// The subscriber does not read as fast as things happen.
    TooSlow,
    /// There are too many sessions.
    TooMany,
    /// The client sends more than it may.
    RateLimited,
    /// The client did not answer a ping.
    Silent,
    /// The client broke the transport's protocol.
    Violation,
}

impl Reason {
    /// Its name on the wire, in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Lifetime => "lifetime",
            Self::TokenEnded => "token_ended",
            Self::TooSlow => "too_slow",
            Self::TooMany => "too_many",
            Self::RateLimited => "rate_limited",
            Self::Silent => "silent",
            Self::Violation => "violation",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
