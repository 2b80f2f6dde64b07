//! One call of an endpoint, and how it went.

use std::time::Duration;

use jiff::Timestamp;

use super::endpoint::named;

/// The most of an answer's body that is kept (contract §11).
pub const MOST_EXCERPT: usize = 16 * 1_024;

/// One call of an endpoint, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which of the delivery's calls, from 1; begins anew when somebody asks for the delivery again.
    pub number: u32,
    /// When it was made.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How it went.
    pub result: AttemptResult,
    /// The trace that it belongs to (W3C Trace Context), as it was sent along.
    pub traceparent: Option<String>,
}

/// How a call went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptResult {
    /// The status that was answered, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong; nothing where the status is 2xx and the answer came in time.
    pub failure: Option<Failure>,
    /// The beginning of the answer's body, as text; at most 16 KiB.
    pub excerpt: String,
}

impl AttemptResult {
    /// Whether the delivery has arrived.
    pub fn is_success(&self) -> bool {
        self.failure.is_none()
    }
}

/// What went wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of fault.
    pub class: FailureClass,
    /// What it was, in words for the endpoint's owner. Never tells an open port from a closed one behind the guard.
    pub detail: String,
}

named! {
    /// What kind of fault ended a call.
    FailureClass {
        /// The name could not be resolved.
        Dns = "dns",
        /// An address of the name is none that may be called.
        Blocked = "blocked address",
        /// Nobody took the connection.
        Refused = "refused",
        /// TLS could not be agreed upon, or the certificate is not good.
        Tls = "tls",
        /// No connection, or no whole answer, in time.
        Timeout = "timeout",
        /// The connection broke, or what came was not HTTP.
        Broken = "broken",
        /// The answer's status is not 2xx.
        Status = "status",
    }
}
