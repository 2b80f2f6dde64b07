//! What can be tuned.

use std::time::Duration;

/// How receivers are called; each default says why it is so.
#[derive(Clone, Copy, Debug)]
pub struct HttpWebhookOptions {
    /// Whether receivers may be called without TLS. Not, since what they are told is private; endpoints that were registered
    /// while they might be are refused as blocked.
    pub allow_http: bool,
    /// How long a call may take, from the look-up of the name to the end of the answer's body. 15 s, as the contract says
    /// (§11).
    pub limit: Duration,
    /// How long it may take to a connection, TLS included. 10 s: longer than the third try of TCP comes, and there is still
    /// time for an answer.
    pub connect_limit: Duration,
    /// How long a connection is kept that nobody uses. 30 s: many servers close theirs after 60 s, and whoever closes first
    /// does not send into the other's farewell.
    pub idle: Duration,
    /// How many unused connections are kept for one receiver. 128: as many calls as an endpoint has under way when it is
    /// busy.
    pub most_idle: usize,
    /// How many connections are kept in all. 2,048: above it all that are unused are closed at once, since so many receivers
    /// are seldom called twice within `idle`, and each connection is an open file.
    pub most_kept: usize,
}

impl Default for HttpWebhookOptions {
    fn default() -> Self {
        Self {
            allow_http: false,
            limit: Duration::from_secs(15),
            connect_limit: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            most_idle: 128,
            most_kept: 2_048,
        }
    }
}
