//! The server goes away and comes back.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::task::JoinHandle;
use url::Url;
use waypost_core::Kind;
use waypost_core::conformance::fixtures::{event, seconds, slug};
use waypost_core::events::EventBus as _;
use waypost_core::links::{Domain, Heard, Invalidations as _, LinkName};
use waypost_core::outbox::Outbox as _;

use super::{Schema, options};
use crate::postgres::{Postgres, PostgresEventBus, PostgresInvalidations, PostgresOptions, PostgresOutbox};

/// The server behind a gate: with the gate shut, connections are cut and new ones refused.
struct Gate {
    server: SocketAddr,
    address: SocketAddr,
    open: Option<JoinHandle<()>>,
}

impl Gate {
    async fn before(url: &str) -> Self {
        let url = Url::parse(url).expect("an address");
        let host = (url.host_str().expect("a host"), url.port().unwrap_or(5432));
        let server = lookup_host(host).await.expect("a known host").next().expect("an address");
        let mut gate = Self { server, address: SocketAddr::from(([127, 0, 0, 1], 0)), open: None };
        gate.open().await;
        gate
    }

    async fn open(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is free");
        self.address = listener.local_addr().expect("an address");
        let server = self.server;
        self.open = Some(tokio::spawn(async move {
            let mut through = tokio::task::JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                through.spawn(async move {
                    let mut server = TcpStream::connect(server).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        }));
    }

    async fn shut(&mut self) {
        if let Some(open) = self.open.take() {
            open.abort();
            // Over once the listener and all that went through are gone.
            let _ = open.await;
        }
    }

    fn url(&self, direct: &str) -> String {
        let mut url = Url::parse(direct).expect("an address");
        url.set_ip_host(self.address.ip()).expect("it has a host");
        url.set_port(Some(self.address.port())).expect("it has a host");
        url.into()
    }
}

#[tokio::test]
async fn word_goes_round_again_after_the_server_was_away() {
    let schema = Schema::fresh();
    let mut gate = Gate::before(&schema.url).await;
    let behind =
        PostgresOptions { url: gate.url(&schema.url), acquire_timeout: Duration::from_millis(200), ..options(&schema) };
    let (near, far) = (Postgres::open(behind.clone()).await.unwrap(), Postgres::open(options(&schema)).await.unwrap());
    let (outbox, bus) = (PostgresOutbox::new(&near), PostgresEventBus::new(&near));
    let (carrier, others) = (PostgresInvalidations::new(&near), PostgresInvalidations::new(&far));
    let mut listener = carrier.listen().await.unwrap();
    let names = [LinkName { domain: Domain::main(), slug: slug("spring") }];
    let end = bus.bounds().await.unwrap().end;

    gate.shut().await;
    for failed in [
        outbox.append(&[event(1, "lnk_a")]).await.err(),
        bus.publish(&[event(1, "lnk_a")]).await.err(),
        carrier.announce(&names).await.err(),
        outbox.backlog().await.err(),
        bus.bounds().await.err(),
    ] {
        assert_eq!(failed.map(|error| error.kind()), Some(Kind::Unavailable));
    }
    let woken = tokio::spawn({
        let outbox = outbox.clone();
        async move {
            outbox.wait().await;
            outbox.wait().await;
        }
    });
    // Nobody here is told of these.
    others.announce(&names).await.unwrap();
    PostgresEventBus::new(&far).publish(&[event(2, "lnk_a")]).await.unwrap();

    gate.open().await;
    let word = tokio::time::timeout(seconds(20), listener.next()).await.expect("it is connected again");
    assert_eq!(word, Heard::Everything, "it missed something");
    assert_eq!(bus.publish(&[event(3, "lnk_a")]).await.unwrap()[0].offset, end.offset + 2);
    others.announce(&names).await.unwrap();
    let word = tokio::time::timeout(seconds(20), listener.next()).await.expect("it listens");
    assert_eq!(word, Heard::Names(names.to_vec()));
    PostgresOutbox::new(&far).append(&[event(4, "lnk_a")]).await.unwrap();
    tokio::time::timeout(seconds(20), woken).await.expect("it is told").unwrap();
}
