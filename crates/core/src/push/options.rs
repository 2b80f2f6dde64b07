//! What can be tuned about live sessions.

use std::time::Duration;

/// How live sessions are kept; each default says why it is so.
#[derive(Clone, Copy, Debug)]
pub struct LiveOptions {
    /// The most sessions of a node, held polls included: 25,000, which cost it about 300 MiB.
    pub most: usize,
    /// The most sessions of one principal: half of them, so that nobody takes all.
    pub most_per_principal: usize,
    /// The most sessions from one client address (IPv6 by /64): half of them, for the same reason.
    pub most_per_address: usize,
    /// The most subscriptions of a session: 50 (§12).
    pub most_subscriptions: usize,
    /// How many events of a topic a session may be behind, before it is too slow: 1,024, ten times a page of the log.
    pub behind_events: usize,
    /// How many bytes of a topic a session may be behind: 1 MiB, held once for all sessions of the topic.
    pub behind_bytes: usize,
    /// How much memory all topics may take: 64 MiB. Above it, each holds little more than its newest events.
    pub most_bytes: usize,
    /// How long an event is held for those who are behind: 30 s; the log has it after that.
    pub behind_time: Duration,
    /// How many sessions a second are sent away when the node stops: 1,000, which a node that starts can take.
    pub drain_rate: u32,
    /// How long a stream lasts at least: 10 min. Balancers and tokens change, and a stream that never ends follows neither.
    pub life: Duration,
    /// How much longer it lasts at most, by chance: 5 min, so that streams that began together do not end together.
    pub life_spread: Duration,
}

impl Default for LiveOptions {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Self {
            most: 25_000,
            most_per_principal: 12_500,
            most_per_address: 12_500,
            most_subscriptions: 50,
            behind_events: 1_024,
            behind_bytes: MIB,
            most_bytes: 64 * MIB,
            behind_time: Duration::from_secs(30),
            drain_rate: 1_000,
            life: Duration::from_secs(600),
            life_spread: Duration::from_secs(300),
        }
    }
}
