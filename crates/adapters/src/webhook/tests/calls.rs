//! Calls as they should go.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use waypost_core::clock::SystemClock;
use waypost_core::webhooks::{FailureClass, WebhookTransport as _};

use super::super::{HttpWebhookOptions, HttpWebhookTransport};
use super::receiver::{Receiver, call, next, transport};
use crate::egress::{Guard, GuardedConnector};

/// Answers each request of a connection with these bytes.
async fn answering(answer: &'static [u8]) -> Receiver {
    Receiver::new(move |mut stream| async move {
        while next(&mut stream).await.is_some() {
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_call_goes_out_byte_for_byte_and_its_answer_is_evidence() {
    let asked = Arc::new(Mutex::new(String::new()));
    let noted = asked.clone();
    let receiver = Receiver::new(move |mut stream: TcpStream| {
        let noted = noted.clone();
        async move {
            *noted.lock().unwrap() = next(&mut stream).await.unwrap();
            let answer = b"HTTP/1.1 201 Created\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nthank";
            stream.write_all(answer).await.unwrap();
        }
    })
    .await;
    let reply = transport(Default::default()).call(receiver.call()).await;
    assert!(reply.result.is_success(), "{reply:?}");
    assert_eq!((reply.result.status, reply.result.excerpt.as_str()), (Some(201), "thank"));
    assert_eq!(reply.retry_after, Some(Duration::from_secs(7)));
    let asked = asked.lock().unwrap().clone();
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.lines().skip(1).collect();
    lines.sort_unstable();
    assert_eq!(head.lines().next(), Some("POST /hook?x=1 HTTP/1.1"));
    let host = format!("host: {}", receiver.address);
    assert_eq!(lines, ["content-length: 7", "content-type: application/json", &host, "webhook-id: evt_1"]);
    assert_eq!(body, r#"{"a":1}"#);
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let receiver = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let transport = transport(Default::default());
    for _ in 0..50 {
        assert!(transport.call(receiver.call()).await.result.is_success());
    }
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn no_more_connections_are_kept_than_are_allowed() {
    let transport = transport(HttpWebhookOptions { most_kept: 4, ..HttpWebhookOptions::default() });
    let mut receivers = Vec::new();
    for _ in 0..40 {
        // Each notes when its only connection ends.
        let (ended, noted) = tokio::sync::watch::channel(false);
        let ended = Arc::new(ended);
        let receiver = Receiver::new(move |mut stream: TcpStream| {
            let ended = ended.clone();
            async move {
                while next(&mut stream).await.is_some() {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
                }
                ended.send_replace(true);
            }
        })
        .await;
        assert!(transport.call(receiver.call()).await.result.is_success());
        receivers.push((receiver, noted));
    }
    // Those before the last few were closed, long before anybody would call them idle.
    for (_, noted) in &mut receivers[..30] {
        tokio::time::timeout(Duration::from_secs(5), noted.wait_for(|ended| *ended)).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_ended_unused_is_replaced_within_the_call() {
    let receiver = Receiver::new(|mut stream: TcpStream| async move {
        next(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        // And it hangs up, without a word.
    })
    .await;
    let transport = transport(Default::default());
    for made in 1..=5 {
        let reply = transport.call(receiver.call()).await;
        assert!(reply.result.is_success(), "{reply:?}");
        assert_eq!(receiver.connections(), made);
        // The farewell has come once the task of the connection has run.
        tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = canary.local_addr().unwrap().port();
    for status in [301, 302, 303, 307, 308] {
        let head = format!("HTTP/1.1 {status} Away\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n");
        let receiver = answering(head.leak().as_bytes()).await;
        let reply = transport(Default::default()).call(receiver.call()).await;
        let failure = reply.result.failure.unwrap();
        assert_eq!((failure.class, reply.result.status), (FailureClass::Status, Some(status)));
        assert!(failure.detail.contains("redirects are not followed"), "{}", failure.detail);
    }
    tokio::time::timeout(Duration::from_millis(50), canary.accept()).await.expect_err("nobody comes");
}

#[tokio::test]
async fn what_the_guard_blocks_is_blocked_and_what_cannot_be_sent_is_broken() {
    let receiver = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let guarded = GuardedConnector::new(Guard::default());
    let options = HttpWebhookOptions { allow_http: true, ..HttpWebhookOptions::default() };
    let guarded = HttpWebhookTransport::new(guarded, Arc::new(SystemClock), options).unwrap();
    for url in ["http://127.0.0.1:8080/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/"] {
        let failure = guarded.call(call(url)).await.result.failure.unwrap();
        assert_eq!(
            (failure.class, failure.detail.as_str()),
            (FailureClass::Blocked, "blocked address: it is not a public one")
        );
    }
    let mut injected = receiver.call();
    injected.headers.push(("x-a".to_owned(), "1\r\nx-b: 2".to_owned()));
    let reply = transport(Default::default()).call(injected).await;
    assert_eq!(reply.result.failure.unwrap().class, FailureClass::Broken);
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn nobody_there_and_no_such_name_have_their_classes() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let reply = transport(Default::default()).call(call(&format!("http://{closed}/"))).await;
    assert_eq!(reply.result.failure.unwrap().class, FailureClass::Refused);
    // A name that no server of names is asked for: its label is too long (RFC 1035 §2.3.4).
    let reply =
        transport(HttpWebhookOptions::default()).call(call(&format!("http://{}.invalid/", "a".repeat(64)))).await;
    let class = reply.result.failure.unwrap().class;
    assert_eq!(class, FailureClass::Dns);
}
