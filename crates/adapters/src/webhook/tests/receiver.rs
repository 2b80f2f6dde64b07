//! Receivers on loopback, and transports that may call them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use waypost_core::clock::ManualClock;
use waypost_core::webhooks::{Target, WebhookCall};

use super::super::{HttpWebhookOptions, HttpWebhookTransport};
use crate::egress::{AllowRule, Guard, GuardOptions, GuardedConnector};

/// What a receiver does with each of its connections, for as long as this lives.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub(super) async fn new<Serving>(serve: impl Fn(TcpStream) -> Serving + Send + 'static) -> Self
    where
        Serving: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = connections.clone();
        let task = tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                serving.spawn(serve(stream));
            }
        });
        Self { address, connections, task }
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn call(&self) -> WebhookCall {
        call(&format!("http://{}/hook?x=1", self.address))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) fn call(url: &str) -> WebhookCall {
    let headers = [("webhook-id", "evt_1"), ("content-type", "application/json")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    WebhookCall { target: Target::parse(url, true).unwrap(), headers, body: r#"{"a":1}"#.into() }
}

/// The next request of the connection, head and body; `None` once there is none.
pub(super) async fn next(stream: &mut TcpStream) -> Option<String> {
    let mut asked = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&asked).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut asked).await.ok()? == 0 {
            return None;
        }
    }
}

/// A call is over in well under a second, whoever is called.
pub(super) fn short() -> HttpWebhookOptions {
    HttpWebhookOptions {
        limit: Duration::from_millis(600),
        connect_limit: Duration::from_millis(400),
        ..HttpWebhookOptions::default()
    }
}

/// A transport that may call loopback, without TLS too, and believes these authorities.
pub(super) fn trusting(options: HttpWebhookOptions, roots: RootCertStore) -> HttpWebhookTransport {
    told(HttpWebhookOptions { allow_http: true, ..options }, roots)
}

/// A transport of these very options that may call loopback, and believes these authorities.
pub(super) fn told(options: HttpWebhookOptions, roots: RootCertStore) -> HttpWebhookTransport {
    let allow = vec![AllowRule::parse("127.0.0.0/8").unwrap()];
    let connector = GuardedConnector::new(Guard::new(GuardOptions { allow, ..GuardOptions::default() }));
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let tls = tls.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
    HttpWebhookTransport::with_tls(connector, tls, Arc::new(clock), options)
}

/// A transport that may call loopback, and believes no certificate.
pub(super) fn transport(options: HttpWebhookOptions) -> HttpWebhookTransport {
    trusting(options, RootCertStore::empty())
}
