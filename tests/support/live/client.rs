//! One client: follows, breaks off, waits, and goes on where it was.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::backoff::Backoff;
use super::{Addresses, Ear, Ending, Manner, Told, Transport, poll, socket, stream};

/// A client, and where it stands.
pub struct Client<E> {
    manner: Arc<Manner>,
    addresses: Addresses,
    address: usize,
    transport: usize,
    cursor: Option<String>,
    /// When to come back, by the last word on it: it holds for later attempts too.
    told: Option<Duration>,
    backoff: Backoff,
    ear: E,
}

impl<E: Ear> Client<E> {
    /// One that begins at its `number`th address, so that neighbours begin at different ones, and at its first transport.
    pub fn new(number: usize, manner: Arc<Manner>, addresses: Addresses, ear: E) -> Self {
        let backoff = Backoff::new(number as u64);
        Self { manner, addresses, address: number, transport: 0, cursor: None, told: None, backoff, ear }
    }

    /// Has it begin after a place, as if it had been there.
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    /// Has it begin with another of its transports.
    pub fn begin_with(mut self, transport: usize) -> Self {
        self.transport = transport;
        self
    }

    /// Follows until it is told to stop coming (204), or until this is dropped.
    pub async fn run(&mut self) {
        loop {
            let ending = self.session().await;
            self.ear.hear(Told::Ended(&ending));
            if ending.code == Some(204) {
                return;
            }
            let wait = self.wait(&ending);
            if self.manner.hops {
                self.address += 1;
            }
            if ending.was_open {
                self.transport += 1;
            }
            sleep(wait).await;
        }
    }

    /// One session, from its connection to its end.
    async fn session(&mut self) -> Ending {
        let Self { manner, addresses, address, transport, cursor, ear, .. } = self;
        let address = addresses.get(*address);
        match manner.transports[*transport % manner.transports.len()] {
            Transport::Sse => stream::follow(address, manner, cursor, ear).await,
            Transport::WebSocket => socket::follow(address, manner, cursor, ear).await,
            Transport::LongPoll => poll::follow(address, manner, cursor, ear).await,
        }
    }

    fn wait(&mut self, ending: &Ending) -> Duration {
        if ending.was_open {
            self.backoff.succeeded();
        }
        self.told = ending.back.or(self.told);
        match (self.told, self.manner.patience) {
            (Some(told), Some(most)) => told.min(most),
            _ => self.backoff.next(&self.manner),
        }
    }
}
