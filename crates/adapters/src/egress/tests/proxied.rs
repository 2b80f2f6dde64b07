//! Through a proxy.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::super::{EgressClass, EgressError, Guard, GuardedConnector, Proxy};
use super::doubles::Script;

/// A proxy that takes one connection and answers so; gives what it was asked.
async fn answering(answer: &'static str) -> (Proxy, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::parse(&format!("http://me:pass@{}", listener.local_addr().unwrap())).unwrap();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut asked).await.unwrap(), 0);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(asked).unwrap()
    });
    (proxy, asked)
}

async fn connect(proxy: Proxy, uri: &str, answers: &str) -> Result<(), EgressError> {
    let connector = GuardedConnector::new(Guard::default()).with_resolver(Script::new(answers)).through(proxy);
    connector.connect(&uri.parse().unwrap()).await.map(|_| ())
}

#[tokio::test]
async fn the_proxy_is_given_the_checked_address_and_never_the_name() {
    let (proxy, asked) = answering("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n").await;
    connect(proxy, "https://a.example/hook", "1.1.1.1").await.unwrap();
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("CONNECT 1.1.1.1:443 HTTP/1.1\r\nHost: 1.1.1.1:443\r\n"), "{asked}");
    assert!(asked.contains("Proxy-Authorization: Basic bWU6cGFzcw==\r\n") && !asked.contains("a.example"), "{asked}");
}

#[tokio::test]
async fn what_is_blocked_never_reaches_the_proxy() {
    for (uri, answers) in
        [("http://127.0.0.1/", ""), ("https://a.example/", "10.0.0.1"), ("https://a.example/", "1.1.1.1 10.0.0.1")]
    {
        let (proxy, asked) = answering("HTTP/1.1 200 OK\r\n\r\n").await;
        assert_eq!(connect(proxy, uri, answers).await.unwrap_err().class(), EgressClass::Blocked);
        assert!(!asked.is_finished());
        asked.abort();
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_or_talks_nonsense_is_no_connection() {
    for (answer, class) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", EgressClass::Refused),
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", EgressClass::Refused),
        ("HTTP/1.0 502 Bad Gateway\r\nX: y\r\n\r\n", EgressClass::Refused),
        ("HTTP/1.1 504 Gateway Timeout\r\n\r\n", EgressClass::Timeout),
        ("HTTP/1.1 200 OK\r\n\r\nand more", EgressClass::Refused),
        ("HTTP/1.1 200 OK\r\n", EgressClass::Refused),
        ("SSH-2.0-x\r\n\r\n", EgressClass::Refused),
        ("", EgressClass::Refused),
    ] {
        let (proxy, _asked) = answering(answer).await;
        let fault = connect(proxy, "https://a.example/", "1.1.1.1").await.expect_err(answer);
        assert_eq!(fault.class(), class, "{answer:?}: {fault}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = Proxy::parse(&format!("http://{closed}")).unwrap();
    assert_eq!(connect(proxy, "https://a.example/", "1.1.1.1").await.unwrap_err().class(), EgressClass::Refused);
}
