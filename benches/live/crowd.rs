//! Thousands of clients on a thread of their own.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::Outcome;
use crate::support::live::{Addresses, Client, Manner, Start, Transport};
use crate::support::server::ADMIN_KEY;
use crate::tally::{Listener, Tally};

/// How long it may take until all are there.
const PATIENCE: Duration = Duration::from_secs(120);

/// Clients that knock at a time: fewer than a server lets one address have under way.
const KNOCKING: usize = 64;

/// Clients at work; they leave when this is dropped.
pub(super) struct Crowd {
    pub(super) tally: Arc<Tally>,
    // Its end ends the clients.
    _runtime: Runtime,
}

impl Crowd {
    /// Waits until so many clients are in.
    ///
    /// # Errors
    ///
    /// When they are not within two minutes; the message says how they fared.
    pub(super) fn gather(clients: usize, manner: &Manner, addresses: &Addresses) -> Outcome<Self> {
        Self::with(Tally::default(), clients, manner, addresses, None)
    }

    /// The same with a tally of one's own, and beginning after a cursor if there is one.
    pub(super) fn with(
        tally: Tally,
        clients: usize,
        manner: &Manner,
        addresses: &Addresses,
        cursor: Option<&str>,
    ) -> Outcome<Self> {
        // One thread, since the server has to live with them.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (tally, manner) = (Arc::new(tally), Arc::new(manner.clone()));
        let deadline = Instant::now() + PATIENCE;
        let mut sent = 0;
        while tally.open() < clients {
            while sent < clients && sent < tally.open() + KNOCKING {
                let mut client = Client::new(sent, manner.clone(), addresses.clone(), Listener::new(&tally));
                if let Some(cursor) = cursor {
                    client = client.after(cursor);
                }
                runtime.spawn(async move { client.run().await });
                sent += 1;
            }
            if Instant::now() > deadline {
                let (open, words) = (tally.open(), tally.take_words());
                return Err(format!("{open} of {clients} clients are in after {PATIENCE:?}: {words:?}").into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(Self { tally, _runtime: runtime })
    }
}

/// A client that stays where it is, and hears what happens from now on.
pub(super) fn manner(transport: Transport) -> Manner {
    Manner { start: Start::Now, hops: false, ..Manner::new(transport, ADMIN_KEY) }
}
