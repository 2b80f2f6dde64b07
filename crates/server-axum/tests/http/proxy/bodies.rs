//! Bodies: streamed both ways, bounded, and given up together with their callers.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::routing::any;
use futures_util::StreamExt;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use waypost_core::clock::ManualClock;
use waypost_server_axum::proxy::config::RouteKind;
use waypost_server_axum::proxy::forward::{Edge, Rule};

use super::ground::*;

/// A target whose answer is what is sent into the channel; a flag says that it was given up.
async fn teller() -> (Running, mpsc::Sender<&'static str>, Arc<AtomicBool>) {
    let (tell, told) = mpsc::channel::<&'static str>(1);
    let told = Arc::new(tokio::sync::Mutex::new(Some(told)));
    let left = Arc::new(AtomicBool::new(false));
    let gone = left.clone();
    let answer = move || async move {
        let told = told.lock().await.take().expect("one caller");
        let body = stream::unfold((told, Left(gone)), |(mut told, left)| async move {
            let text = told.recv().await?;
            Some((Ok::<_, Infallible>(Bytes::from_static(text.as_bytes())), (told, left)))
        });
        ([("content-type", "text/event-stream")], Body::from_stream(body))
    };
    (serve(Router::new().fallback(any(answer))).await, tell, left)
}

struct Left(Arc<AtomicBool>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn streams() -> Rule {
    Rule { kind: RouteKind::Stream, ..Rule::default() }
}

/// Reads until `text` has come.
async fn read_until(stream: &mut TcpStream, text: &str) {
    let mut received = String::new();
    let reading = async {
        while !received.contains(text) {
            let mut part = [0; 1_024];
            let count = stream.read(&mut part).await.expect("a part");
            assert!(count > 0, "it ended after {received:?}");
            received.push_str(&String::from_utf8_lossy(&part[..count]));
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, reading).await;
    outcome.unwrap_or_else(|_| panic!("{text:?} never came"));
}

#[tokio::test]
async fn each_event_of_a_stream_goes_on_at_once_and_the_callers_end_is_the_targets() {
    let (target, tell, left) = teller().await;
    let gateway = gateway(upstream(&[target.url()], Value::Null), streams(), Edge::default()).await;
    let mut caller = TcpStream::connect(gateway.address).await.expect("a connection");
    caller.write_all(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("it is taken");
    // The head comes before the first event, and each event before the next is told.
    read_until(&mut caller, "text/event-stream").await;
    for event in ["data: 1\n\n", "data: 2\n\n"] {
        tell.send(event).await.expect("the target listens");
        read_until(&mut caller, event).await;
    }
    assert!(!left.load(Ordering::SeqCst));
    drop(caller);
    until("the target is left", || left.load(Ordering::SeqCst)).await;
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_head_ends_the_request_to_the_target() {
    let (asked, left) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (heard, gone) = (asked.clone(), left.clone());
    let answer = move || async move {
        let _left = Left(gone);
        heard.store(true, Ordering::SeqCst);
        std::future::pending::<()>().await
    };
    let target = serve(Router::new().fallback(any(answer))).await;
    let gateway = before(&target).await;
    let mut caller = TcpStream::connect(gateway.address).await.expect("a connection");
    caller.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("it is taken");
    until("the target is asked", || asked.load(Ordering::SeqCst)).await;
    drop(caller);
    until("the target is left", || left.load(Ordering::SeqCst)).await;
}

#[tokio::test]
async fn a_stream_may_take_longer_than_its_time_but_not_stand_still() {
    let (target, tell, left) = teller().await;
    let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().expect("a moment"));
    let edge = Edge { clock: Arc::new(clock.clone()), ..Edge::default() };
    let gateway = gateway(upstream(&[target.url()], Value::Null), streams(), edge).await;
    let mut caller = TcpStream::connect(gateway.address).await.expect("a connection");
    caller.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("it is taken");
    for event in ["one", "two", "three"] {
        tell.send(event).await.expect("the target listens");
        read_until(&mut caller, event).await;
        clock.advance(Duration::from_secs(299));
    }
    assert!(!left.load(Ordering::SeqCst), "fifteen minutes are nothing to a stream that moves");
    clock.advance(Duration::from_secs(1));
    until("the target is left", || left.load(Ordering::SeqCst)).await;
    let mut rest = Vec::new();
    // Cut off, not ended: the last chunk is missing.
    let _ = caller.read_to_end(&mut rest).await;
    assert!(!rest.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn the_time_of_a_unary_request_holds_to_the_last_byte() {
    let (target, tell, left) = teller().await;
    let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().expect("a moment"));
    let edge = Edge { clock: Arc::new(clock.clone()), ..Edge::default() };
    let gateway = gateway(upstream(&[target.url()], Value::Null), Rule::default(), edge).await;
    let mut caller = TcpStream::connect(gateway.address).await.expect("a connection");
    caller.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("it is taken");
    tell.send("one").await.expect("the target listens");
    read_until(&mut caller, "one").await;
    clock.advance(Duration::from_secs(30));
    until("the target is left", || left.load(Ordering::SeqCst)).await;
}

/// A target that says how many bytes it was sent.
async fn counter() -> Running {
    let count = |request: Request| async move {
        let mut body = request.into_body().into_data_stream();
        let mut bytes = 0;
        while let Some(Ok(part)) = body.next().await {
            bytes += part.len();
        }
        bytes.to_string()
    };
    serve(Router::new().fallback(any(count))).await
}

#[tokio::test]
async fn a_body_above_the_limit_is_413_announced_or_not_and_one_at_the_limit_passes() {
    let target = counter().await;
    let rule = Rule { body_limit: 100_000, ..Rule::default() };
    let gateway = gateway(upstream(&[target.url()], Value::Null), rule, Edge::default()).await;
    let body = "x".repeat(100_000);
    assert_eq!(ask(gateway.address, "POST", "/", "", &body).await.body, "100000");
    let announced = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100001\r\n\r\n";
    assert_eq!(send(gateway.address, announced).await.status, 413);
    let chunk = format!("186a1\r\n{body}x\r\n0\r\n\r\n");
    let chunked =
        format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    assert_eq!(send(gateway.address, &chunked).await.status, 413);
}

#[tokio::test]
async fn a_huge_answer_waits_for_its_reader() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    const PART: usize = 64 * 1_024;
    const PARTS: usize = 2_000;
    let answer = move || async move {
        let parts = stream::iter(0..PARTS).map(move |_| {
            count.fetch_add(PART, Ordering::SeqCst);
            Ok::<_, Infallible>(Bytes::from_static(&[0; PART]))
        });
        Body::from_stream(parts)
    };
    let target = serve(Router::new().fallback(any(answer))).await;
    let gateway = gateway(upstream(&[target.url()], Value::Null), streams(), Edge::default()).await;
    let mut caller = TcpStream::connect(gateway.address).await.expect("a connection");
    caller.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.expect("it is taken");
    // Until nothing more is made: the sockets' buffers are full, and nobody in between takes it up.
    let (mut last, mut still) = (usize::MAX, 0);
    while still < 20 {
        let now = made.load(Ordering::SeqCst);
        still = if now == last { still + 1 } else { 0 };
        last = now;
        let _ = tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await;
    }
    assert!(last < PART * PARTS / 2, "{last} bytes were made for a caller that reads none");
    let mut sink = tokio::io::sink();
    let read = tokio::time::timeout(PATIENCE, tokio::io::copy(&mut caller, &mut sink)).await;
    assert!(read.expect("in time").expect("all of it") > (PART * PARTS) as u64);
}

#[tokio::test]
async fn a_slow_body_is_408_at_the_end_of_its_time_and_no_fault_of_the_target() {
    let target = counter().await;
    let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().expect("a moment"));
    let edge = Edge { clock: Arc::new(clock.clone()), ..Edge::default() };
    let upstream = upstream(&[target.url()], json!({"breaker": {"requests": 1}}));
    let gateway = gateway(upstream.clone(), Rule::default(), edge).await;
    let mut caller = TcpStream::connect(gateway.address).await.expect("a connection");
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 500000\r\n\r\nsome";
    caller.write_all(head).await.expect("it is taken");
    let in_flight = || upstream.targets().next().expect("a target").in_flight();
    until("it is under way", || in_flight() == 1).await;
    // The part that is there must have gone on before the time ends.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    let mut answer = Vec::new();
    let ended = async {
        loop {
            clock.advance(Duration::from_secs(30));
            let read = caller.read_to_end(&mut answer);
            if tokio::time::timeout(Duration::from_millis(50), read).await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("an answer");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(upstream.targets().next().expect("a target").breaker_state(), "closed");
}

/// A target that answers with its own protocol's version, the body it got, and trailers.
async fn echo() -> Running {
    let answer = |request: Request| async move {
        let version = format!("{:?} ", request.version());
        let whole = request.into_body().collect().await.expect("a body");
        let sum = whole.trailers().and_then(|trailers| trailers.get("x-sum")).cloned();
        let text = [version.as_bytes(), &whole.to_bytes()].concat();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-echo", sum.unwrap_or(HeaderValue::from_static("none")));
        let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from(text))), Ok(Frame::trailers(trailers))];
        Response::builder().header("trailer", "x-echo").body(Body::new(StreamBody::new(stream::iter(frames)))).unwrap()
    };
    serve(Router::new().fallback(any(answer))).await
}

/// Sends one request over HTTP/2 with a trailer.
async fn ask_by_http2(gateway: &Running) -> (String, Option<HeaderMap>) {
    let stream = TcpStream::connect(gateway.address).await.expect("a connection");
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.expect("HTTP/2");
    tokio::spawn(connection);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("7"));
    let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"hello"))), Ok(Frame::trailers(trailers))];
    let request = http::Request::post(format!("http://shop.example{}", "/a"))
        .header("trailer", "x-sum")
        .header("te", "trailers")
        .body(StreamBody::new(stream::iter(frames)))
        .expect("a request");
    let whole = sender.send_request(request).await.expect("an answer").into_body().collect().await.expect("a body");
    let trailers = whole.trailers().cloned();
    (String::from_utf8_lossy(&whole.to_bytes()).into_owned(), trailers)
}

#[tokio::test]
async fn either_version_goes_on_as_either_with_its_trailers() {
    let target = echo().await;
    for (http2, version) in [(false, "HTTP/1.1"), (true, "HTTP/2.0")] {
        let upstream = upstream(&[target.url()], json!({"http2": http2}));
        let gateway = gateway(upstream, Rule::default(), Edge::default()).await;
        let (body, trailers) = ask_by_http2(&gateway).await;
        assert_eq!(body, format!("{version} hello"));
        assert_eq!(trailers.expect("trailers")["x-echo"], "7", "both ways, by {version}");

        let chunked = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close, te\r\nTE: trailers\r\nTrailer: X-Sum\r\n\
                       Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n";
        let answer = send(gateway.address, chunked).await;
        assert!(answer.body.contains(&format!("{version} abc")), "{answer:?}");
        assert!(answer.body.to_ascii_lowercase().contains("x-echo: 9"), "{answer:?}");
        let plain = get(gateway.address, "/").await;
        assert!(plain.body.contains(version), "{plain:?}");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_does_not_stall_another_on_the_same_connection() {
    let huge =
        || async { Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[0; 65_536])))) };
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let huge = move || async move {
        count.fetch_add(1, Ordering::SeqCst);
        huge().await
    };
    let router = Router::new().route("/huge", any(huge)).fallback(|| async { "x".repeat(100_000) });
    let target = serve(router).await;
    let gateway = gateway(upstream(&[target.url()], json!({"http2": true})), streams(), Edge::default()).await;
    let mut deaf = Vec::new();
    for _ in 0..3 {
        let mut caller = TcpStream::connect(gateway.address).await.expect("a connection");
        caller.write_all(b"GET /huge HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("it is taken");
        deaf.push(caller);
    }
    until("all are answered", || made.load(Ordering::SeqCst) == 3).await;
    for _ in 0..50 {
        // Long enough for the buffers in between to fill up.
        let _ = tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await;
        assert_eq!(get(gateway.address, "/small").await.body.len(), 100_000);
    }
}
