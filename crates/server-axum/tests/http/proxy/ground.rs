//! Targets, a gateway in front of them, and callers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;
use waypost_server_axum::proxy::config::{Section, Vocabulary, check};
use waypost_server_axum::proxy::forward::{Edge, Forward, Rule};
use waypost_server_axum::proxy::upstream::Upstream;

/// Longer than anything takes on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A server in this process; it ends with this value.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    _task: AbortOnDropHandle<()>,
}

impl Running {
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Serves a router, HTTP/1.1 and HTTP/2, with upgrades.
pub(super) async fn serve(router: Router) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let task = tokio::spawn(async move { drop(axum::serve(listener, service).await) });
    Running { address, _task: AbortOnDropHandle::new(task) }
}

/// An address at which nobody listens.
pub(super) async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

/// A target that reads one request a connection, keeps its bytes, and writes the same answer to each; without one it
/// hangs up.
pub(super) struct Raw {
    pub(super) running: Running,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Raw {
    pub(super) async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer_once(stream, answer, notes.clone()));
            }
        });
        Self { running: Running { address, _task: AbortOnDropHandle::new(task) }, seen }
    }

    /// The requests, as they came over the wire.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer_once(mut stream: TcpStream, answer: &'static str, seen: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    loop {
        let mut part = [0; 4_096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => break,
            Ok(count) => request.extend_from_slice(&part[..count]),
        }
        if is_whole(&request) {
            break;
        }
    }
    seen.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with("0\r\n\r\n") || body.contains("\r\n0\r\n");
    }
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// An upstream of these addresses, and whatever else the configuration says.
pub(super) fn upstream(urls: &[String], more: Value) -> Arc<Upstream> {
    upstream_after(urls, more, None)
}

/// The same, after one of the configuration before.
pub(super) fn upstream_after(urls: &[String], more: Value, before: Option<&Upstream>) -> Arc<Upstream> {
    let targets: Vec<Value> = urls.iter().map(|url| json!({"url": url})).collect();
    let mut entry = json!({"name": "shop", "targets": targets});
    for (key, value) in more.as_object().cloned().unwrap_or_default() {
        entry[key] = value;
    }
    let section = Section::read(json!({"version": 1, "upstreams": [entry]})).expect("the form is right");
    let plan = check(&section, &Vocabulary::default()).expect("the words are right");
    Arc::new(Upstream::build(&plan.upstreams[0], before).expect("it can be built"))
}

/// A gateway that forwards everything by one rule.
pub(super) async fn gateway(upstream: Arc<Upstream>, rule: Rule, edge: Edge) -> Running {
    let forward = Forward::new(upstream, rule, edge);
    serve(Router::new().route_service("/", forward.clone()).route_service("/{*rest}", forward)).await
}

/// A gateway before one target, all else by default.
pub(super) async fn before(target: &Running) -> Running {
    gateway(upstream(&[target.url()], Value::Null), Rule::default(), Edge::default()).await
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// In lower case.
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Sends these bytes on a connection of their own, which they must ask to be closed, and reads to its end.
pub(super) async fn send(address: SocketAddr, bytes: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(bytes.as_bytes()).await.expect("the request is taken");
    let mut received = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut received)).await;
    read.expect("an answer in time").expect("an answer");
    let text = String::from_utf8_lossy(&received).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// `GET` of a path.
pub(super) async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path, "", "").await
}

/// A request with these header lines and this body.
pub(super) async fn ask(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n{length}{headers}\r\n{body}");
    send(address, &request).await
}

/// Waits until `holds`, with a bound.
pub(super) async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}
