//! The sender alone: events of a program's own as signed webhooks, with retries, limits and the egress guard.
//!
//! `cargo run --example webhook_sender_alone --features client,memory,webhook`
//!
//! No links and no server: a store, a log of events, a way out, and two engines. In memory here; `SqliteWebhookStore` and
//! `SqliteEventBus` in the places of memory's keep what is owed through a crash.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waypost::client::WebhookVerifier;
use waypost::clock::{Clock, SystemClock};
use waypost::credentials::Credentials;
use waypost::egress::{AllowRule, Guard, GuardOptions, GuardedConnector};
use waypost::engine::{self, Engine};
use waypost::entropy::{Entropy, OsEntropy};
use waypost::events::{Event, EventBus, EventType, Payload};
use waypost::ids::{EventId, WebhookId, WorkspaceId};
use waypost::memory::{MemoryEventBus, MemoryStore};
use waypost::page::Cursors;
use waypost::seal::Seal;
use waypost::webhook::{HttpWebhookOptions, HttpWebhookTransport};
use waypost::webhooks::{
    Dispatcher, DispatcherOptions, Endpoint, EventPattern, Fanout, Messages, Notices, Target, WebhookSecret,
    WebhookStore,
};

/// What a shop holds to tell its partners of orders.
struct Sender {
    store: Arc<MemoryStore>,
    bus: Arc<MemoryEventBus>,
    messages: Arc<Messages>,
}

impl Sender {
    /// A sender, and the engines that make it go.
    fn new(guard: Guard) -> waypost::Result<(Self, Vec<Box<dyn Engine>>)> {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
        let (store, bus) = (Arc::new(MemoryStore::default()), Arc::new(MemoryEventBus::new(&OsEntropy)));
        // A program whose store outlives it reads these two keys from its settings.
        let [mut sealing, mut cursors] = [[0; 32]; 2];
        entropy.fill(&mut sealing);
        entropy.fill(&mut cursors);
        let (seal, cursors) = (Arc::new(Seal::new(&sealing, &[])), Arc::new(Cursors::new(cursors)));
        let credentials = Credentials::new(store.clone(), clock.clone(), entropy.clone());
        let messages = Arc::new(Messages::new(seal, cursors, credentials, 0, entropy.clone()));
        let connector = GuardedConnector::new(guard);
        // The receiver of this example has no certificate.
        let options = HttpWebhookOptions { allow_http: true, ..HttpWebhookOptions::default() };
        let transport = HttpWebhookTransport::new(connector, clock.clone(), options)?;
        let dispatcher = Dispatcher::new(
            store.clone(),
            Arc::new(transport),
            messages.clone(),
            Notices::new(store.clone(), store.clone(), entropy.clone()),
            clock,
            entropy,
            DispatcherOptions::default(),
        );
        let fanout = Fanout::new(bus.clone(), store.clone(), store.clone());
        Ok((Self { store, bus, messages }, vec![Box::new(fanout), Box::new(dispatcher)]))
    }

    /// Registers a partner's endpoint; gives its secret, for the partner.
    async fn register(&self, shop: WorkspaceId, url: &str) -> Result<WebhookSecret, Box<dyn Error>> {
        let now = SystemClock.now();
        let (id, secret) = (WebhookId::fresh(now, &OsEntropy), WebhookSecret::generate(&OsEntropy));
        // `true` lets `http` pass, for this machine; partners have https.
        let (target, events) = (Target::parse(url, true)?, vec![EventPattern::parse("order.*")?]);
        let endpoint = Endpoint::new(id, shop, target, events, self.messages.seal(id, &secret, now)?, now);
        self.store.insert_endpoint(&endpoint, 100).await?;
        Ok(secret)
    }

    /// Tells of an order. A program with a database puts the event into an outbox with the order: see `outbox_alone`.
    async fn placed(&self, shop: WorkspaceId, order: u32) -> Result<EventId, Box<dyn Error>> {
        let now = SystemClock.now();
        let id = EventId::fresh(now, &OsEntropy);
        let event = Event {
            id,
            kind: EventType::parse("order.placed")?,
            version: 1,
            created_at: now,
            workspace: shop,
            subject: Some(format!("order-{order}")),
            traceparent: None,
            data: Payload::of(&json!({ "order": order }))?,
        };
        self.bus.publish(&[event]).await?;
        Ok(id)
    }
}

type Call = (HeaderMap, Bytes);

/// A partner's server, which hands on what it is called with.
async fn partner(State(calls): State<mpsc::Sender<Call>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match calls.try_send((headers, body)) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (sender, mut calls) = mpsc::channel(16);
    let router = Router::new().route("/orders", post(partner)).with_state(sender);
    let server = tokio::spawn(async { axum::serve(listener, router).await });

    // No address of this machine is called unless somebody allows it.
    let allow = vec![AllowRule::parse(&address.to_string())?];
    let (shop_sender, engines) = Sender::new(Guard::new(GuardOptions { allow, ..GuardOptions::default() }))?;
    let (stop, running) = (CancellationToken::new(), TaskTracker::new());
    for engine in engines {
        running.spawn(engine::run(engine, Arc::new(SystemClock), Arc::new(OsEntropy), stop.clone()));
    }

    let shop = WorkspaceId::fresh(SystemClock.now(), &OsEntropy);
    let secret = shop_sender.register(shop, &format!("http://{address}/orders")).await?;
    let id = shop_sender.placed(shop, 1).await?;

    let call = tokio::time::timeout(Duration::from_secs(10), calls.recv()).await?;
    let (headers, body) = call.ok_or("the partner's server is gone")?;
    let verifier = WebhookVerifier::new([secret.expose()])?;
    let received = verifier.verify(&headers, &body)?;
    let event = received.event()?;
    println!("the partner was told: {} {} {}", event.event, received.id(), event.data);
    assert_eq!((received.id(), event.data.get()), (id.to_string().as_str(), r#"{"order":1}"#));

    stop.cancel();
    running.close();
    running.wait().await;
    server.abort();
    Ok(())
}
