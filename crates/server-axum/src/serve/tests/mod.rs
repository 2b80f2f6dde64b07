//! On real sockets, each server on a port of its own.

mod handover;
mod taken_over;
mod timing;

use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::gateway::envelope::{self, Envelope};
use crate::gateway::head_limits::{self, HeadLimits};

/// A server on a port of its own.
struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<Served>,
    release: Arc<Notify>,
    entered: Arc<Notify>,
}

fn app(entered: Arc<Notify>, release: Arc<Notify>) -> Router {
    let held = || async move {
        entered.notify_one();
        release.notified().await;
        "held"
    };
    Router::new()
        .route("/", get(|| async { "here" }))
        .route("/echo", post(|body: Bytes| async move { body }))
        .route("/held", get(held))
        .layer(from_fn_with_state(HeadLimits::default(), head_limits::check))
        .layer(from_fn_with_state(Envelope::new("http://x"), envelope::render))
}

async fn start(options: Options) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let app = app(entered.clone(), release.clone());
    let served = tokio::spawn(serve(listener, move |_| TowerToHyperService::new(app.clone()), options, stop.clone()));
    Server { address, stop, served, release, entered }
}

impl Server {
    /// Sends bytes, and reads until the server closes.
    async fn say(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes.as_ref()).await.unwrap();
        read_all(&mut stream).await
    }

    async fn stop(self) -> Served {
        self.stop.cancel();
        within(self.served).await.unwrap()
    }
}

/// Nothing in these tests may take longer, whatever goes wrong.
async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs")
}

async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    // A reset after the answer is an end like any other.
    let _ = within(stream.read_to_end(&mut text)).await;
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads one response with a `Content-Length`.
async fn read_one(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    loop {
        let seen = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = seen.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap().parse().unwrap() {
                return seen;
            }
        }
        let mut part = [0; 1_024];
        let read = within(stream.read(&mut part)).await.unwrap();
        assert_ne!(read, 0, "closed after {seen:?}");
        text.extend_from_slice(&part[..read]);
    }
}

fn status(response: &str) -> u16 {
    response.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {response:?}")).parse().unwrap()
}

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn a_connection_is_used_again_and_http2_shares_the_port() {
    let server = start(Options::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..3 {
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert!(read_one(&mut stream).await.ends_with("here"));
    }
    let io = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let (mut h2, driver) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let driver = tokio::spawn(driver);
    let request = Request::get("http://x/").body(Body::empty()).unwrap();
    assert_eq!(within(h2.send_request(request)).await.unwrap().status(), StatusCode::OK);
    assert_eq!(server.stop().await, Served { cut: 0 }, "idle connections do not hold the end up");
    assert_eq!(status_of_end(&mut stream).await, 0);
    let _ = within(driver).await;
}

/// How many bytes came before the end.
async fn status_of_end(stream: &mut TcpStream) -> usize {
    read_all(stream).await.len()
}

#[tokio::test]
async fn heads_beyond_the_limits_get_the_one_shape_up_to_what_hyper_reads() {
    let server = start(Options::default()).await;
    let with = |fields: String| format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{fields}\r\n");
    let many = |count: usize| (0..count).map(|at| format!("x-{at}: v\r\n")).collect::<String>();
    assert_eq!(status(&server.say(with(many(98))).await), 200);
    for (fields, shaped) in [
        (many(99), true),
        (many(126), true),
        (many(127), false),
        (format!("x: {}\r\n", "v".repeat(33_000)), true),
        (format!("x: {}\r\n", "v".repeat(200_000)), false),
        (many(20_000), false),
    ] {
        let answer = server.say(with(fields)).await;
        assert_eq!(status(&answer), 431);
        assert_eq!(answer.contains("HEADERS_TOO_LARGE"), shaped, "{answer}");
    }
    let long = |length: usize| format!("GET /{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "a".repeat(length));
    assert!(server.say(long(9_000)).await.contains("URI_TOO_LONG"));
    assert!(matches!(status(&server.say(long(70_000)).await), 414 | 431));
    server.stop().await;
}

#[tokio::test]
async fn heads_that_two_parsers_could_read_in_two_ways_are_refused() {
    let server = start(Options::default()).await;
    let smuggled = "GET /held HTTP/1.1\r\nhost: x\r\n\r\n";
    for head in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: 5, 6\r\n",
        "content-length: +5\r\n",
        "content-length: 0x5\r\n",
        "content-length: -1\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
        " transfer-encoding: chunked\r\n",
        "content-length: 5\r\n\ttransfer-encoding: chunked\r\n",
        "x: a\rb\r\n",
        "x: a\0b\r\n",
        "x y: z\r\n",
    ] {
        let bytes = format!("POST /echo HTTP/1.1\r\nhost: x\r\n{head}\r\n0\r\n\r\n{smuggled}");
        let answer = server.say(bytes).await;
        assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), (400, 1), "{head:?}: {answer}");
    }
    for line in ["GET / HTTP/9.9", "GET  / HTTP/1.1", "GET /\u{1} HTTP/1.1", "G@T / HTTP/1.1", "GET /"] {
        let answer = server.say(format!("{line}\r\nhost: x\r\n\r\n")).await;
        assert!(answer.is_empty() || status(&answer) == 400, "{line:?}: {answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn chunked_wins_over_a_length_and_is_the_last_request_of_its_connection() {
    let server = start(Options::default()).await;
    let both = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n";
    let body = "5\r\nhello\r\n0\r\n\r\n";
    let answer = server.say(format!("{both}{body}{GET}")).await;
    assert!(answer.ends_with("hello"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "what was hidden behind it is not read: {answer}");
    // A chunk that lies about its size ends the connection.
    let answer = server.say(format!("{both}5\r\nhello!!\r\n0\r\n\r\n{GET}")).await;
    assert!(!answer.contains("here"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn the_drain_finishes_what_is_in_flight_and_accepts_nothing_more() {
    let server = start(Options::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    within(server.entered.notified()).await;
    server.stop.cancel();
    let address = server.address;
    within(async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await
        }
    })
    .await;
    server.release.notify_one();
    let answer = read_all(&mut stream).await;
    assert!(answer.ends_with("held") && answer.contains("connection: close"), "{answer}");
    assert_eq!(within(server.served).await.unwrap(), Served { cut: 0 });
}

#[tokio::test]
async fn what_outlasts_the_grace_is_cut_and_counted() {
    let server = start(Options { grace: Duration::from_millis(20), ..Options::default() }).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    within(server.entered.notified()).await;
    assert_eq!(server.stop().await, Served { cut: 1 });
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test]
async fn at_the_cap_newcomers_wait_until_there_is_a_place() {
    let server = start(Options { max_connections: 1, ..Options::default() }).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(GET.as_bytes()).await.unwrap();
    assert!(read_one(&mut first).await.ends_with("here"));
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(GET.as_bytes()).await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(50), second.read(&mut byte)).await;
    assert!(early.is_err(), "not served while the first is there");
    drop(first);
    assert!(read_one(&mut second).await.ends_with("here"));
    server.stop().await;
}

#[tokio::test]
async fn a_slow_head_is_cut_on_a_real_socket() {
    let server = start(Options { head_timeout: Duration::from_millis(50), ..Options::default() }).await;
    assert_eq!(server.say("").await, "", "says nothing");
    assert_eq!(server.say("PRI * HTTP/2.0\r\n").await, "", "half of HTTP/2's first words");
    assert_eq!(server.say("GET / HTTP/1.1\r\nhost: x\r\n").await, "", "half a head");
    server.stop().await;
}

#[tokio::test]
async fn the_service_is_told_its_peer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let seen = Arc::new(Mutex::new(None));
    let noted = seen.clone();
    let make = move |peer: SocketAddr| {
        *noted.lock().unwrap() = Some(peer);
        hyper::service::service_fn(|_| async {
            let mut response = Response::new(Body::empty());
            response.headers_mut().insert("connection", HeaderValue::from_static("close"));
            Ok(response)
        })
    };
    let served = tokio::spawn(serve(listener, make, Options::default(), stop.clone()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(GET.as_bytes()).await.unwrap();
    assert_eq!(status(&read_all(&mut stream).await), 200);
    assert_eq!(*seen.lock().unwrap(), Some(stream.local_addr().unwrap()));
    stop.cancel();
    within(served).await.unwrap();
}
