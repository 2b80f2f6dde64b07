//! How clients go about it, and where to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How events travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Server-sent events.
    Sse,
    /// A WebSocket.
    WebSocket,
    /// `GET` that is held until there is something.
    LongPoll,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sse, Self::WebSocket, Self::LongPoll];
}

/// Where a client that has no cursor begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest event kept.
    Oldest,
    /// With what happens from now on. A held poll has no such start: it begins at the oldest.
    Now,
}

/// How clients go about it; shared by as many as behave alike.
#[derive(Clone, Debug)]
pub struct Manner {
    /// The transports that it takes in turn, the next one after each session that broke. One is enough.
    pub transports: Vec<Transport>,
    /// What follows `Bearer` in the header `Authorization`.
    pub key: String,
    /// Where it begins.
    pub start: Start,
    /// The types of event that it wants, parted by commas; all when empty.
    pub types: String,
    /// Whether it goes to the next address after a break.
    pub hops: bool,
    /// The wait before the second attempt is between nothing and this, and twice as much each time (full jitter).
    pub least_wait: Duration,
    /// Where the doubling ends.
    pub most_wait: Duration,
    /// How long a server's last word on when to come back is heeded, as browsers heed it: at each attempt until there is
    /// another, exactly, up to this much. `None` heeds none.
    pub patience: Option<Duration>,
    /// How long a poll asks to be held, in seconds.
    pub hold: u64,
    /// The address of its own end; the system's choice unless told. Ports are counted by address.
    pub source: Option<Ipv4Addr>,
    /// The kernel's buffer for what arrives and is not read; the system's choice unless told.
    pub unread: Option<u32>,
    /// Bytes read at a time, at least 4 KiB: a head must fit in.
    pub buffer: usize,
}

impl Manner {
    /// One that stays with a transport, hops, and comes back at the pace of a test.
    pub fn new(transport: Transport, key: &str) -> Self {
        Self {
            transports: vec![transport],
            key: key.to_owned(),
            start: Start::Oldest,
            types: String::new(),
            hops: true,
            least_wait: Duration::from_millis(50),
            most_wait: Duration::from_secs(1),
            patience: None,
            // Shorter than every limit of a request, and longer than the time that an event takes.
            hold: 10,
            source: None,
            unread: None,
            // Thousands of clients share a process.
            buffer: 4 * 1024,
        }
    }
}

/// The addresses that clients know, in an order that all share. A server that moves takes its clients along.
#[derive(Clone, Debug)]
pub struct Addresses(Arc<RwLock<Vec<SocketAddr>>>);

impl Addresses {
    /// These; one at least.
    pub fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let addresses: Vec<_> = addresses.into_iter().collect();
        assert!(!addresses.is_empty(), "a client needs somewhere to go");
        Self(Arc::new(RwLock::new(addresses)))
    }

    /// The address at a place, counted round and round.
    pub fn get(&self, place: usize) -> SocketAddr {
        let addresses = self.0.read().unwrap_or_else(PoisonError::into_inner);
        addresses[place % addresses.len()]
    }

    /// Puts another address at a place.
    pub fn set(&self, place: usize, address: SocketAddr) {
        self.0.write().unwrap_or_else(PoisonError::into_inner)[place] = address;
    }
}
