//! How the dispatcher works.

use std::sync::Arc;
use std::time::Duration;

use crate::webhooks::schedule::RETRIES;

/// How the dispatcher works; each default says why it is so.
#[derive(Clone, Debug)]
pub struct DispatcherOptions {
    /// How many queues a node holds at a time. 512: more endpoints than that have something due at one moment only where
    /// there are many thousands, and then there are more nodes.
    pub queues: usize,
    /// How many calls a node has under way at a time, each with a connection. 1,024 receivers that hang for 15 s leave room
    /// for others, since each soon has one call only.
    pub calls: usize,
    /// How many deliveries of a queue are read ahead: a few times what is under way, so that no receiver waits for a store.
    pub ahead: usize,
    /// How long a queue is held without word from its holder. What a node that died held lies still for so long.
    pub lease: Duration,
    /// How often to look without being woken, for what other nodes enqueued and for what is due again.
    pub poll: Duration,
    /// The waits before a delivery is tried again, each moved by a fifth at random; after the last it is given up.
    pub retries: Arc<[Duration]>,
    /// How long a queue is held on in which nothing is due: the next event then needs no lease.
    pub linger: Duration,
}

impl Default for DispatcherOptions {
    fn default() -> Self {
        Self {
            queues: 512,
            calls: 1_024,
            ahead: 128,
            lease: Duration::from_secs(5),
            poll: Duration::from_secs(1),
            retries: Arc::new(RETRIES),
            linger: Duration::from_secs(1),
        }
    }
}
