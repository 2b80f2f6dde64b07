//! Names to addresses.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

/// Finds the addresses of a name.
///
/// # Contract
/// 1. All of them: the guard decides on what it is shown, and nothing else is connected to.
/// 2. In the order in which they are to be tried.
#[async_trait]
pub trait Resolve: Debug + Send + Sync {
    /// The addresses of the name, which has no dot at its end.
    ///
    /// # Errors
    /// Whatever kept them from being found. No addresses at all are no error.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks this machine's resolver, with its hosts file and search domains. It keeps nothing: a cache is the resolver's business.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    places: Arc<Semaphore>,
}

/// How many look-ups may be under way by default. Each holds a thread, of which the runtime has 512 for all that blocks;
/// names whose servers are silent must not take them from others.
const MOST_LOOK_UPS: usize = 128;

impl SystemResolver {
    /// So many look-ups at a time; others wait. Names whose servers are silent hold their places for as long as the machine's
    /// resolver waits, often 10 s, so where strangers name hosts, give as many as there are calls, and the runtime as many
    /// more threads (`max_blocking_threads`).
    pub fn with_places(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS))) }
    }
}

/// 128 look-ups at a time: a quarter of the threads that a runtime has for what blocks.
impl Default for SystemResolver {
    fn default() -> Self {
        Self::with_places(MOST_LOOK_UPS)
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let place = self.places.clone().acquire_owned().await.map_err(io::Error::other)?;
        let name = name.to_owned();
        let found = tokio::task::spawn_blocking(move || {
            // With the thread, not with who waits for it: that one may have given up.
            let _place = place;
            (name.as_str(), 0).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect())
        });
        found.await.map_err(io::Error::other)?
    }
}
