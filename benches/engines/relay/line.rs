//! A node that appends and relays, and another one that reads.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use waypost::clock::SystemClock;
use waypost::engine;
use waypost::entropy::OsEntropy;
use waypost::events::EventBus as _;
use waypost::outbox::{Relay, RelayOptions};
use waypost::postgres::{PostgresEventBus, PostgresOutbox};

use super::writers::WRITERS;
use crate::Outcome;
use crate::schema::Schema;

/// How long the relay may take to come to the end of what was appended.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two looks at how far it is.
const PAUSE: Duration = Duration::from_millis(5);

/// A running relay between two nodes.
pub(super) struct Line {
    /// Of the first node.
    pub(super) outbox: PostgresOutbox,
    /// Of the second, which knows of the first what the database tells it.
    pub(super) bus: PostgresEventBus,
    relay: JoinHandle<()>,
    stop: CancellationToken,
}

impl Line {
    pub(super) async fn open(schema: &Schema) -> Outcome<Self> {
        // A connection for each writer, and the relay's.
        let (first, second) = (schema.node(WRITERS + 2).await?, schema.node(2).await?);
        let outbox = PostgresOutbox::new(&first);
        let bus = Arc::new(PostgresEventBus::new(&first));
        let relay = Relay::new(Arc::new(outbox.clone()), bus, Arc::new(OsEntropy), RelayOptions::default());
        let stop = CancellationToken::new();
        let running = engine::run(Box::new(relay), Arc::new(SystemClock), Arc::new(OsEntropy), stop.clone());
        Ok(Self { outbox, bus: PostgresEventBus::new(&second), relay: tokio::spawn(running), stop })
    }

    /// How many events are on the bus.
    pub(super) async fn carried(&self) -> Outcome<u64> {
        Ok(self.bus.bounds().await?.end.offset)
    }

    /// Waits until so many are.
    ///
    /// # Errors
    ///
    /// When there are more, or still fewer after five minutes.
    pub(super) async fn await_carried(&self, expected: u64) -> Outcome<()> {
        let carried = tokio::time::timeout(PATIENCE, async {
            loop {
                match self.carried().await {
                    Ok(carried) if carried < expected => tokio::time::sleep(PAUSE).await,
                    done => return done,
                }
            }
        });
        match carried.await {
            Ok(Ok(carried)) if carried == expected => Ok(()),
            Ok(Ok(carried)) => Err(format!("{carried} events are on the bus, where {expected} were appended").into()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(format!("{expected} events are not on the bus in five minutes").into()),
        }
    }

    /// Lets the relay end.
    pub(super) async fn close(self) {
        self.stop.cancel();
        // A relay that panicked has ended too, and would have been found out before.
        let _ = self.relay.await;
    }
}
