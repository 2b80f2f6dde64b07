//! The idempotency layer alone, on an axum router that knows nothing else of Waypost.
//!
//! `cargo run --example idempotency_alone --features server`

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::routing::post;
use tokio::task::JoinSet;
use tower::ServiceExt;
use waypost::clock::SystemClock;
use waypost::entropy::OsEntropy;
use waypost::idempotency::{Idempotency, IdempotencyOptions};
use waypost::ids::WorkspaceId;
use waypost::memory::MemoryStore;
use waypost::server::gateway::idempotency::IdempotencyLayer;

/// What the program's own authentication leaves on a request.
#[derive(Clone, Copy)]
struct Customer(u64);

/// A shop that charges for every order which reaches it.
fn shop(charged: Arc<AtomicU32>) -> Router {
    let order = async move |goods: String| {
        let number = charged.fetch_add(1, Ordering::SeqCst) + 1;
        // Time for others to come in between.
        tokio::task::yield_now().await;
        let location = [(header::LOCATION, format!("/orders/{number}"))];
        (StatusCode::CREATED, location, format!("order {number}: {goods}"))
    };
    Router::new().route("/orders", post(order))
}

fn layer() -> IdempotencyLayer {
    // In production a durable store: `waypost::sqlite::SqliteIdempotencyStore`.
    let store = Arc::new(MemoryStore::default());
    let options = IdempotencyOptions::default();
    let idempotency = Idempotency::new(store, Arc::new(SystemClock), Arc::new(OsEntropy), options);
    // Whose keys are these? What authentication found out, never what a client may choose.
    IdempotencyLayer::new(idempotency, |head| {
        let Customer(number) = head.extensions.get()?;
        Some(WorkspaceId::from_bytes(u128::from(*number).to_be_bytes()))
    })
}

fn order(customer: Customer, key: &str, goods: &'static str) -> Result<Request<Body>, axum::http::Error> {
    let request = Request::post("/orders").header("Idempotency-Key", key).extension(customer);
    request.body(Body::from(goods))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let charged = Arc::new(AtomicU32::new(0));
    let shop = shop(charged.clone()).layer(layer());
    let (ada, bob) = (Customer(1), Customer(2));

    // A nervous client sends one order a hundred times at once.
    let mut storm = JoinSet::new();
    for _ in 0..100 {
        storm.spawn(shop.clone().oneshot(order(ada, "a1", "kettle")?));
    }
    let (mut created, mut busy) = (0, 0);
    while let Some(response) = storm.join_next().await {
        match response??.status() {
            StatusCode::CREATED => created += 1,
            StatusCode::CONFLICT => busy += 1,
            status => return Err(format!("an answer that nobody expected: {status}").into()),
        }
    }
    assert_eq!((created + busy, charged.load(Ordering::SeqCst)), (100, 1));
    println!("100 at once: {created} were told of the order, {busy} to come back; charged once");

    // It asks again a minute later, and gets the same answer.
    let again = shop.clone().oneshot(order(ada, "a1", "kettle")?).await?;
    assert_eq!((again.status(), &again.headers()["idempotent-replayed"]), (StatusCode::CREATED, &"true".parse()?));
    assert_eq!(again.headers()[header::LOCATION], "/orders/1");
    let body = to_bytes(again.into_body(), 1_024).await?;
    assert_eq!(body, "order 1: kettle");
    println!("once more:   {}, replayed", String::from_utf8_lossy(&body));

    // The key stands for that order, and no other.
    let other = shop.clone().oneshot(order(ada, "a1", "two kettles")?).await?;
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    println!("other goods: {}", other.status());

    // Another customer's key of the same name is another key.
    let bobs = shop.oneshot(order(bob, "a1", "teapot")?).await?;
    assert_eq!((bobs.status(), charged.load(Ordering::SeqCst)), (StatusCode::CREATED, 2));
    println!("Bob's a1:    {}", bobs.status());
    Ok(())
}
