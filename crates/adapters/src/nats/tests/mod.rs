//! What is true of JetStream alone; what is true of every log is proved by the conformance suite.
//!
//! Each test starts a server of its own, since most of them stop it.

mod away;
mod epoch;
mod full;
mod once;
mod opening;
mod server;

use std::time::Duration;

use waypost_core::Result;
use waypost_core::conformance::fixtures::event;
use waypost_core::events::{Event, EventBus as _, EventFilter, Logged, Read};

use self::server::Server;
use super::{Nats, NatsEventBus, NatsOptions};

/// A server, and the log on it.
async fn log() -> (Server, Nats, NatsEventBus) {
    log_with(|options| options).await
}

async fn log_with(change: impl FnOnce(NatsOptions) -> NatsOptions) -> (Server, Nats, NatsEventBus) {
    let server = Server::start(&["-js"]);
    let nats = Nats::open(change(NatsOptions::new(server.address()))).await.expect("a server with JetStream");
    let bus = NatsEventBus::new(&nats);
    (server, nats, bus)
}

/// So many events of three subjects, from the first on.
fn events(first: u64, count: u64) -> Vec<Event> {
    (first..first + count).map(|n| event(n, &format!("lnk_{}", n % 3))).collect()
}

/// Everything that is kept.
async fn everything(bus: &NatsEventBus) -> Vec<Logged> {
    let mut all = Vec::new();
    let mut after = bus.bounds().await.expect("bounds").start;
    loop {
        match bus.read(after, &EventFilter::default(), 100).await.expect("a read") {
            Read::Events { events, next, more } => {
                all.extend(events);
                after = next;
                if !more {
                    return all;
                }
            }
            Read::Reset(bounds) => panic!("{after:?} was reset to {bounds:?}"),
        }
    }
}

/// Tries again what fails while the server is away, as every caller does.
async fn at_last<T>(call: impl AsyncFn() -> Result<T>) -> T {
    let trying = async {
        loop {
            match call().await {
                Ok(done) => return done,
                Err(error) => assert!(error.is_retryable() && error.retry_after().is_some(), "{error:?}"),
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), trying).await.expect("the server is back")
}
