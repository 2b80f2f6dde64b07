//! Receivers that want to hold the sender up, fill its memory, or confuse it. Each call is over within its limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use waypost_core::webhooks::{FailureClass, MOST_EXCERPT, WebhookReply, WebhookTransport as _};

use super::receiver::{Receiver, call, next, short, transport};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n";

/// Calls, and holds the call against its limit.
async fn within_the_limit(receiver: &Receiver) -> WebhookReply {
    // Far above the limit, and far below what any of these receivers would take.
    let late = Duration::from_secs(20);
    tokio::time::timeout(late, transport(short()).call(receiver.call())).await.expect("the call has a limit")
}

/// Calls with all the time that there is, where the end must come without it.
async fn unhurried(receiver: &Receiver) -> WebhookReply {
    transport(Default::default()).call(receiver.call()).await
}

fn class(reply: &WebhookReply) -> Option<FailureClass> {
    reply.result.failure.as_ref().map(|failure| failure.class)
}

/// Says this, and then hangs up, or nothing more.
async fn saying(bytes: &'static [u8], hangs_up: bool) -> Receiver {
    Receiver::new(move |mut stream: TcpStream| async move {
        next(&mut stream).await;
        let _ = stream.write_all(bytes).await;
        if !hangs_up {
            std::future::pending::<()>().await;
        }
    })
    .await
}

/// Says `before`, then `again` for ever, as fast as it is taken. Counts what was taken.
async fn endless(before: &'static [u8], again: &'static [u8]) -> (Receiver, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    let receiver = Receiver::new(move |mut stream: TcpStream| {
        let count = count.clone();
        async move {
            next(&mut stream).await;
            let mut said = stream.write_all(before).await;
            while said.is_ok() {
                count.fetch_add(again.len(), Ordering::SeqCst);
                said = stream.write_all(again).await;
            }
        }
    })
    .await;
    (receiver, taken)
}

/// Says `before`, then a byte at a time.
async fn dripping(before: &'static [u8]) -> Receiver {
    Receiver::new(move |mut stream: TcpStream| async move {
        next(&mut stream).await;
        let mut said = stream.write_all(before).await;
        while said.is_ok() {
            let _ = tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await;
            said = stream.write_all(b"a").await;
        }
    })
    .await
}

#[tokio::test]
async fn silence_and_drips_are_timeouts() {
    for (receiver, status, excerpt) in [
        (saying(b"", false).await, None, ""),
        (saying(b"HTTP/1.1 200", false).await, None, ""),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false).await, Some(200), "abc"),
        (saying(b"HTTP/1.1 200 OK\r\n\r\nabc", false).await, Some(200), "abc"),
        (saying(b"HTTP/1.1 204 No Content\r\nX: ", false).await, None, ""),
    ] {
        let reply = within_the_limit(&receiver).await;
        assert_eq!(class(&reply), Some(FailureClass::Timeout), "{reply:?}");
        assert_eq!((reply.result.status, reply.result.excerpt.as_str()), (status, excerpt));
        assert!(reply.result.failure.unwrap().detail.ends_with("within 600ms"));
    }
    for before in [&b"HTTP/1.1 200 OK\r\nX-A: "[..], b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"] {
        let reply = within_the_limit(&dripping(before).await).await;
        assert_eq!(class(&reply), Some(FailureClass::Timeout), "{reply:?}");
    }
    // A status that is no success says more than a body that does not end.
    let reply =
        within_the_limit(&saying(b"HTTP/1.1 503 No\r\nRetry-After: 9\r\nContent-Length: 9\r\n\r\nx", false).await)
            .await;
    assert_eq!((class(&reply), reply.retry_after), (Some(FailureClass::Status), Some(Duration::from_secs(9))));
}

#[tokio::test]
async fn of_an_endless_body_the_beginning_is_read_and_the_connection_dropped() {
    static PIECE: [u8; 4_096] = [b'a'; 4_096];
    for before in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"] {
        let (receiver, taken) = endless(before, &PIECE).await;
        let transport = transport(Default::default());
        let reply = transport.call(receiver.call()).await;
        assert!(reply.result.is_success(), "{reply:?}");
        assert_eq!(reply.result.excerpt.len(), MOST_EXCERPT);
        // What lies in the buffers of both sockets, and no more: the receiver is cut off.
        let last = taken.load(Ordering::SeqCst);
        assert!(last < 32 << 20, "{last} bytes were taken");
        assert!(transport.call(receiver.call()).await.result.is_success());
        assert_eq!(receiver.connections(), 2, "a connection with a rest on it is not used again");
    }
}

#[tokio::test]
async fn a_head_without_end_or_with_too_many_fields_is_cut() {
    let (long, taken) = endless(b"HTTP/1.1 200 OK\r\nX-A: ", &[b'a'; 4_096]).await;
    assert_eq!(class(&unhurried(&long).await), Some(FailureClass::Broken));
    assert!(taken.load(Ordering::SeqCst) < 32 << 20);
    let (many, _) = endless(HEAD, b"X-A: a\r\n").await;
    assert_eq!(class(&unhurried(&many).await), Some(FailureClass::Broken));
    let fields = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X-A: a\r\n".repeat(100));
    let fields = saying(fields.leak().as_bytes(), false).await;
    let reply = unhurried(&fields).await;
    assert_eq!((class(&reply), reply.result.status), (Some(FailureClass::Broken), None), "101 fields");
    let (informed, _) = endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n").await;
    assert_eq!(class(&within_the_limit(&informed).await), Some(FailureClass::Timeout), "heads without end");
}

#[tokio::test]
async fn what_breaks_off_or_is_no_http_is_broken() {
    for (bytes, status) in [
        (&b""[..], None),
        (b"HTTP/1.1 200 OK\r\nContent-", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", Some(200)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", Some(200)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", Some(200)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc", Some(200)),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", None),
        (b"HTTP/1.1 20x OK\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", None),
        (b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", None),
        (b"HTTP/9.9 200 OK\r\n\r\n", None),
        (b"\0\0\0\0\0\0\0\0", None),
    ] {
        let reply = unhurried(&saying(bytes, true).await).await;
        let text = String::from_utf8_lossy(bytes);
        assert_eq!((class(&reply), reply.result.status), (Some(FailureClass::Broken), status), "{text:?}: {reply:?}");
    }
}

#[tokio::test]
async fn one_call_is_one_request_whatever_becomes_of_it() {
    for bytes in [&b""[..], b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200", b"nonsense\r\n\r\n"] {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let receiver = Receiver::new(move |mut stream: TcpStream| {
            let count = count.clone();
            async move {
                while next(&mut stream).await.is_some() {
                    count.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(bytes).await;
                    if !bytes.ends_with(b"\r\n\r\n") {
                        return;
                    }
                }
            }
        })
        .await;
        let transport = transport(Default::default());
        for calls in 1..=3 {
            assert!(!transport.call(receiver.call()).await.result.is_success());
            assert_eq!(asked.load(Ordering::SeqCst), calls, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}

#[tokio::test]
async fn an_upgrade_that_nobody_asked_for_is_no_success() {
    let receiver =
        saying(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc", false).await;
    let reply = unhurried(&receiver).await;
    assert!(matches!(class(&reply), Some(FailureClass::Status | FailureClass::Broken)), "{reply:?}");
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_its_connection() {
    let (ended, mut noted) = tokio::sync::watch::channel(false);
    let ended = Arc::new(ended);
    let receiver = Receiver::new(move |mut stream: TcpStream| {
        let ended = ended.clone();
        async move {
            next(&mut stream).await;
            next(&mut stream).await;
            ended.send_replace(true);
        }
    })
    .await;
    let transport = transport(Default::default());
    let call = transport.call(call(&format!("http://{}/", receiver.address)));
    tokio::time::timeout(Duration::from_millis(50), call).await.unwrap_err();
    tokio::time::timeout(Duration::from_secs(5), noted.wait_for(|ended| *ended)).await.unwrap().unwrap();
}
