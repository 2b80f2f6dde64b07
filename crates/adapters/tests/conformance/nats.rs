//! The log of events on NATS JetStream.
#![allow(clippy::disallowed_methods, reason = "the address of the server comes from the environment of the tests")]

use std::sync::Arc;

use waypost_adapters::nats::{Nats, NatsEventBus, NatsOptions, NatsProbe};
use waypost_core::conformance::{self, Subject};
use waypost_core::entropy::{Entropy as _, OsEntropy};
use waypost_core::events::EventBus;
use waypost_core::health::Probe as _;

/// Deletes what a case made.
#[derive(Debug)]
struct Swept {
    prefix: String,
    address: String,
}

impl Drop for Swept {
    fn drop(&mut self) {
        let (prefix, address) = (self.prefix.clone(), self.address.clone());
        let swept = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let jetstream = async_nats::jetstream::new(async_nats::connect(address).await.expect("the server"));
                jetstream.delete_stream(format!("{prefix}_events")).await.expect("the stream was there");
                jetstream.delete_key_value(format!("{prefix}_groups")).await.expect("the bucket was there");
            });
        });
        let swept = swept.join();
        assert!(swept.is_ok() || std::thread::panicking(), "what the case made is deleted");
    }
}

async fn nats() -> Subject<Nats> {
    let address = std::env::var("WAYPOST_TEST_NATS_URL")
        .expect("WAYPOST_TEST_NATS_URL is not set: run scripts/test, which starts the servers");
    let mut name = [0; 8];
    OsEntropy.fill(&mut name);
    let prefix = format!("test_{:016x}", u64::from_be_bytes(name));
    let options = NatsOptions { prefix: prefix.clone(), ..NatsOptions::new(&address) };
    let nats = Nats::open(options).await.expect("a server with JetStream");
    Subject::guarded(nats, Swept { prefix, address })
}

async fn event_bus() -> Subject<Arc<dyn EventBus>> {
    nats().await.map(|nats| Arc::new(NatsEventBus::new(&nats)) as _)
}

conformance::events!(event_bus);

#[tokio::test]
async fn the_probe_tells_a_connection_from_a_closed_one() {
    let nats = nats().await;
    let probe = NatsProbe::new(&nats.ports);
    assert_eq!(probe.name(), "nats");
    assert!(probe.check().await.is_ok());
    nats.ports.close().await;
    let mut tries = 0;
    while probe.check().await.is_ok() {
        tries += 1;
        assert!(tries < 1_000, "it is closed");
        tokio::task::yield_now().await;
    }
}
