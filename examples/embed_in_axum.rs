//! Waypost inside a program of one's own: its router beside the program's routes, on one listener.
//!
//! `cargo run --example embed_in_axum --features server,visitor`

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waypost::clock::{Clock, SystemClock};
use waypost::credentials::Scopes;
use waypost::entropy::OsEntropy;
use waypost::links::{DestinationRules, Site};
use waypost::memory::{
    MemoryClickSpool, MemoryEventBus, MemoryInvalidations, MemoryPresenceStore, MemoryRateLimiter, MemoryStore,
};
use waypost::server::HttpOptions;
use waypost::visitor::VisitorDescriber;
use waypost::{Platform, PlatformOptions, Ports, engine};

/// One adapter for each port; leaving one out does not compile. `sqlite` has the same ones, durable.
fn ports() -> waypost::Result<Ports> {
    let store = Arc::new(MemoryStore::default());
    let limiter = Arc::new(MemoryRateLimiter::default());
    Ok(Ports {
        links: store.clone(),
        clicks: store.clone(),
        idempotency: store.clone(),
        outbox: store.clone(),
        bus: Arc::new(MemoryEventBus::new(&OsEntropy)),
        limiter: limiter.clone(),
        local_limiter: limiter,
        credentials: store.clone(),
        clients: store.clone(),
        members: store.clone(),
        grants: store.clone(),
        webhooks: store.clone(),
        deliveries: store.clone(),
        delivery_log: store.clone(),
        invalidations: Arc::new(MemoryInvalidations::default()),
        presence: Arc::new(MemoryPresenceStore::default()),
        spool: Arc::new(MemoryClickSpool::new(1 << 20, SystemClock.now(), &OsEntropy)),
        describe: Arc::new(VisitorDescriber::new(None)?),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        probes: vec![store],
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    // The platform, and a key to call it with.
    let public_url = format!("http://{address}");
    let site = Site::new(&public_url, &[], DestinationRules::default())?;
    let platform = Platform::assemble(ports()?, site, PlatformOptions::default()).await?;
    let keys = &platform.credentials;
    let shop = keys.workspace("shop").await?.id;
    let key = keys.issue(shop, "example", Scopes::ALL, None).await?;

    // Its engines count the clicks and publish the events.
    let (stop, engines) = (CancellationToken::new(), TaskTracker::new());
    for part in platform.engines() {
        let (clock, entropy) = (platform.clock.clone(), platform.entropy.clone());
        engines.spawn(engine::run(part, clock, entropy, stop.clone()));
    }

    // A path that no route of ours takes is Waypost's.
    let waypost = waypost::server::router(platform, HttpOptions::default())?;
    let own = Router::new().route("/hello", get(async || "our own route"));
    // With the peer's address, or all visitors would look the same.
    let app = own.merge(waypost);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });

    let (head, body) = call(address, "GET /hello", "", "").await?;
    assert!(head.starts_with("HTTP/1.1 200") && body == "our own route");
    println!("GET /hello      {body}");

    let authorization = format!("Authorization: Bearer {}\r\n", key.text.expose());
    let draft = json!({ "slug": "kettle", "destination": "https://example.com/kettles/7" });
    let headers = format!("{authorization}Content-Type: application/json\r\n");
    let (head, body) = call(address, "POST /v1/links", &headers, &draft.to_string()).await?;
    assert!(head.starts_with("HTTP/1.1 201"), "{head}{body}");
    let link: Value = serde_json::from_str(&body)?;
    println!("POST /v1/links  {}", link["short_url"]);

    let (head, _) = call(address, "GET /kettle", "User-Agent: Firefox\r\n", "").await?;
    assert!(head.starts_with("HTTP/1.1 302"), "{head}");
    assert!(head.contains("location: https://example.com/kettles/7"));
    println!("GET /kettle     302 to https://example.com/kettles/7");

    // Engines that are told to stop finish what waits.
    stop.cancel();
    engines.close();
    engines.wait().await;
    let path = format!("GET /v1/links/{}", link["id"].as_str().ok_or("an id")?);
    let (_, body) = call(address, &path, &authorization, "").await?;
    let clicks = &serde_json::from_str::<Value>(&body)?["clicks"];
    assert_eq!(clicks, 1);
    println!("and the click is counted: {clicks}");
    Ok(())
}

/// One request on a connection of its own; the head and the body of its answer.
async fn call(to: SocketAddr, line: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(to).await?;
    let length = body.len();
    let fixed = format!("Host: {to}\r\nConnection: close\r\nContent-Length: {length}");
    let request = format!("{line} HTTP/1.1\r\n{fixed}\r\n{headers}\r\n{body}");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    Ok((head.to_owned(), body.to_owned()))
}

type Answer = Result<(String, String), Box<dyn Error>>;
