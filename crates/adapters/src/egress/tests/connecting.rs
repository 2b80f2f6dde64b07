//! Connections over loopback.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::{TcpListener, TcpStream};
use tower::Service as _;

use super::super::{
    AllowRule, Dial, EgressClass, EgressError, Guard, GuardOptions, GuardedConnector, Resolve, SystemResolver,
};
use super::doubles::{Recorder, Script};

fn allowing(rules: &[&str]) -> Guard {
    let allow = rules.iter().map(|rule| AllowRule::parse(rule).unwrap()).collect();
    Guard::new(GuardOptions { allow, ..GuardOptions::default() })
}

/// How many connections wait to be taken.
async fn waiting(listener: &TcpListener) -> usize {
    let mut taken = 0;
    while tokio::time::timeout(Duration::from_millis(20), listener.accept()).await.is_ok() {
        taken += 1;
    }
    taken
}

#[tokio::test]
async fn a_name_that_is_public_at_first_and_loopback_then_reaches_nothing_on_loopback() {
    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = canary.local_addr().unwrap().port();
    let uri: http::Uri = format!("http://rebind.example:{port}/").parse().unwrap();
    // The port is open for public addresses, so it is the address that must stop it.
    let guard = allowing(&[&format!(":{port}")]);
    let script = Script::new("1.1.1.1 | 127.0.0.1");
    // Looked at once for each connection, and what was looked at is what is connected to.
    let recorder = Recorder::default();
    let connector = GuardedConnector::new(guard.clone()).with_resolver(script.clone()).with_dialer(recorder.clone());
    assert_eq!(connector.connect(&uri).await.unwrap_err().class(), EgressClass::Refused);
    assert_eq!((script.asked().len(), recorder.dialed()), (1, vec![format!("1.1.1.1:{port}")]));
    // And each connection is looked at anew: the second look stops it, with the real dialer behind it.
    let connector = GuardedConnector::new(guard).with_resolver(script.clone());
    for _ in 0..3 {
        assert_eq!(connector.connect(&uri).await.unwrap_err().class(), EgressClass::Blocked);
    }
    assert_eq!((script.asked().len(), waiting(&canary).await), (4, 0));
    // The canary does sing.
    TcpStream::connect(canary.local_addr().unwrap()).await.unwrap();
    assert_eq!(waiting(&canary).await, 1);
}

#[tokio::test]
async fn open_and_closed_ports_behind_the_guard_cannot_be_told_apart() {
    let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let [open_port, closed_port] = [&open, &closed].map(|listener| listener.local_addr().unwrap().port());
    drop(closed);
    let connector = GuardedConnector::new(allowing(&[&format!(":{open_port}"), &format!(":{closed_port}")]));
    let told = async |port: u16| {
        let uri = format!("http://127.0.0.1:{port}/").parse().unwrap();
        let fault = connector.connect(&uri).await.unwrap_err();
        (fault.class(), fault.to_string(), std::error::Error::source(&fault).is_none())
    };
    assert_eq!(told(open_port).await, told(closed_port).await);
    assert_eq!(waiting(&open).await, 0);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connector = GuardedConnector::new(allowing(&["127.0.0.0/8"])).with_resolver(Script::new("127.0.0.2 127.0.0.1"));
    let stream = connector.connect(&format!("http://a.example:{port}/").parse().unwrap()).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    assert!(stream.nodelay().unwrap());
}

#[tokio::test]
async fn it_is_a_service_and_names_the_class_of_what_fails() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut connector = GuardedConnector::new(allowing(&["127.0.0.0/8"])).with_resolver(Script::default());
    let mut class = async |uri: &str| connector.call(uri.parse().unwrap()).await.map(|_| ()).unwrap_err().class();
    assert_eq!(class(&format!("http://127.0.0.1:{closed}/")).await, EgressClass::Refused);
    assert_eq!(class("http://a.example/").await, EgressClass::Dns);
    let connector = GuardedConnector::new(Guard::default()).with_resolver(Script::new(""));
    let fault = connector.connect(&"http://a.example/".parse().unwrap()).await.unwrap_err();
    assert_eq!(fault.class(), EgressClass::Dns, "no addresses");
}

/// Never answers.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Resolve for Silent {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}

#[async_trait]
impl Dial for Silent {
    async fn dial(&self, _: SocketAddr) -> Result<TcpStream, EgressError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the time of the test, which stands still unless everybody waits")]
async fn one_limit_holds_for_the_look_up_and_all_addresses() {
    let (uri, limit) = ("http://a.example/".parse().unwrap(), Duration::from_secs(3));
    let silent = GuardedConnector::new(Guard::default()).with_resolver(Silent).within(limit);
    let before = tokio::time::Instant::now();
    assert_eq!(silent.connect(&uri).await.unwrap_err().class(), EgressClass::Timeout);
    assert_eq!(before.elapsed(), limit);
    let addresses = Script::new("1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5");
    let silent = GuardedConnector::new(Guard::default()).with_resolver(addresses).with_dialer(Silent).within(limit);
    assert_eq!(silent.connect(&uri).await.unwrap_err().class(), EgressClass::Timeout);
    assert_eq!(before.elapsed(), 2 * limit);
}

#[tokio::test]
async fn the_machines_resolver_is_asked_and_its_answer_checked() {
    // Of the hosts file, whatever else this machine can reach.
    let found = SystemResolver::default().resolve("localhost").await.unwrap();
    assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
}
