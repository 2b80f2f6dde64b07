//! The port that calls receivers.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{AttemptResult, Target};

/// Calls receivers over HTTP.
///
/// It stands apart from the transports of live feeds: those keep a session and are told when to go on, this one makes a call
/// and brings back evidence.
///
/// # Contract
/// 1. *One call.* `call` makes one `POST` with these headers and this body, byte for byte, and never a second one by itself,
///    redirects included: a status of 3xx is an answer like any other, and no success.
/// 2. *Bounded.* It is over within 15 s, the answer's body included (contract §11), and reads no more of that than 16 KiB.
///    Dropping the future gives the call up.
/// 3. *Guarded.* It connects only to addresses that may be called, whatever the target's name resolves to, and to the
///    very address that was looked at.
/// 4. *Told.* What went wrong is a [`Failure`](super::Failure) in the result. It has no errors of its own.
#[async_trait]
pub trait WebhookTransport: Debug + Send + Sync {
    /// Why no call can ever be made to this address, in words for the endpoint's owner, as far as that is known without
    /// asking anybody: its scheme, its port, an address that stands in it. What its name resolves to is decided on by each
    /// call.
    fn refuses(&self, target: &Target) -> Option<String>;

    /// Makes one call.
    async fn call(&self, call: WebhookCall) -> WebhookReply;
}

/// One call of a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookCall {
    /// Where to.
    pub target: Target,
    /// Every header but those that HTTP itself needs; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookReply {
    /// How it went.
    pub result: AttemptResult,
    /// When the receiver wants to be called again, if it said so (`Retry-After`, RFC 9110 §10.2.3), from now on.
    pub retry_after: Option<Duration>,
}
