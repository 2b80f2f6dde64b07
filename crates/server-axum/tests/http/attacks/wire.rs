//! A server on a socket, and clients that write what they like.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use waypost_server_axum::{App, Gateway, HttpOptions, ServeOptions, serve};

use crate::harness::Server;

/// A server on a port of its own; gone with the test.
pub(super) struct Wire {
    pub(super) address: SocketAddr,
    pub(super) server: Server,
    pub(super) key: String,
    log: Log,
    _listening: tracing::subscriber::DefaultGuard,
}

impl Wire {
    pub(super) async fn start() -> Self {
        Self::with(HttpOptions::default(), ServeOptions::default()).await
    }

    pub(super) async fn with(http: HttpOptions, options: ServeOptions) -> Self {
        let log = Log::default();
        let target = log.clone();
        let subscriber =
            tracing_subscriber::fmt().json().with_max_level(tracing::Level::DEBUG).with_writer(move || target.clone());
        let listening = tracing::subscriber::set_default(subscriber.finish());
        let server = Server::start().await;
        let gateway = Gateway::new(App::new(server.platform.clone(), http, None)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let make = move |peer| gateway.for_peer(peer);
        tokio::spawn(serve(listener, make, options, CancellationToken::new()));
        let key = server.issue("default", "*").await;
        Self { address, server, key, log, _listening: listening }
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Writes, and reads until the server closes.
    pub(super) async fn say(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The server may have closed already, having read enough.
        let _ = stream.write_all(bytes.as_ref()).await;
        read_all(&mut stream).await
    }

    /// The lines of the access log, once there are so many.
    pub(super) async fn lines(&self, count: usize) -> Vec<Value> {
        within(async {
            loop {
                let lines = self.log.of("waypost::access");
                if lines.len() >= count {
                    return lines;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// Whether some line has this text.
    pub(super) async fn has_logged(&self, text: &str) {
        within(async {
            while !self.log.text().contains(text) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// The server still answers others.
    pub(super) async fn is_well(&self) {
        let answer = self.say("GET /livez HTTP/1.1\r\nhost: go.example\r\nconnection: close\r\n\r\n").await;
        assert_eq!(statuses(&answer), [200], "{answer}");
    }
}

/// Nothing in these tests may take longer, whatever goes wrong.
pub(super) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs")
}

pub(super) async fn read_all(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset after the answer is an end like any other.
    let _ = within(stream.read_to_end(&mut text)).await;
    String::from_utf8_lossy(&text).into_owned()
}

/// The statuses of all answers in a text.
pub(super) fn statuses(text: &str) -> Vec<u16> {
    text.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)?.parse().ok()).collect()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    fn of(&self, target: &str) -> Vec<Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["target"] == target).map(|line| line["fields"].clone()).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
