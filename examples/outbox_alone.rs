//! The outbox alone: events that commit together with rows of one's own, in one's own sqlx transaction.
//!
//! `cargo run --example outbox_alone --features sqlite`
//!
//! Without an outbox a program writes its row and then publishes, and a crash in between loses the event; or publishes
//! first, and tells of what never was. Here the event is a row of the same transaction; a relay publishes it afterwards.

use std::error::Error;
use std::sync::Arc;

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, query, query_scalar};
use waypost::clock::{Clock, SystemClock};
use waypost::engine::Engine;
use waypost::entropy::OsEntropy;
use waypost::events::{Event, EventBus, EventFilter, EventType, Payload, Read};
use waypost::ids::{EventId, WorkspaceId};
use waypost::outbox::{Outbox, Relay, RelayOptions};
use waypost::sqlite::{Sqlite, SqliteEventBus, SqliteOutbox};

/// Writes an order and the event that tells of it. Nothing of it is there until the caller commits.
async fn place(conn: &mut SqliteConnection, shop: WorkspaceId, item: &str) -> Result<(), Box<dyn Error>> {
    let insert = query("INSERT INTO orders (item) VALUES (?1)").bind(item);
    let order = insert.execute(&mut *conn).await?.last_insert_rowid();
    let now = SystemClock.now();
    let placed = Event {
        id: EventId::fresh(now, &OsEntropy),
        kind: EventType::parse("order.placed")?,
        version: 1,
        created_at: now,
        workspace: shop,
        // Events of one subject reach every listener in the order of their commits.
        subject: Some(format!("order-{order}")),
        traceparent: None,
        data: Payload::of(&json!({ "order": order, "item": item }))?,
    };
    SqliteOutbox::append_within(conn, &[placed]).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("shop.db");
    // Brings Waypost's tables into the file; the others are the program's own.
    let db = Sqlite::open(&path).await?;
    let outbox = Arc::new(SqliteOutbox::new(&db));
    let bus = Arc::new(SqliteEventBus::new(&db));
    let mut conn = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path)).await?;
    query("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL)").execute(&mut conn).await?;
    let shop = WorkspaceId::fresh(SystemClock.now(), &OsEntropy);

    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    place(&mut tx, shop, "kettle").await?;
    assert_eq!(outbox.backlog().await?.waiting, 0, "nobody hears of what is not committed");
    tx.commit().await?;
    println!("committed:   kettle");

    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    place(&mut tx, shop, "teapot").await?;
    tx.rollback().await?;
    println!("rolled back: teapot");

    let orders: i64 = query_scalar("SELECT count(*) FROM orders").fetch_one(&mut conn).await?;
    assert_eq!((orders, outbox.backlog().await?.waiting), (1, 1), "one order, one event");

    // A program runs this as `waypost::engine::run(Box::new(relay), …)`; one step is one round of it.
    let start = bus.bounds().await?.start;
    let mut relay = Relay::new(outbox.clone(), bus.clone(), Arc::new(OsEntropy), RelayOptions::default());
    relay.step(SystemClock.now()).await?;
    assert_eq!(outbox.backlog().await?.waiting, 0, "what is on the bus waits no more");

    let Read::Events { events, .. } = bus.read(start, &EventFilter::default(), 100).await? else {
        return Err("the log was re-created meanwhile".into());
    };
    for logged in &events {
        let Event { id, kind, data, .. } = &logged.event;
        println!("on the bus:  {kind} {} as {id}", data.as_str());
    }
    let told: Vec<_> = events.iter().map(|logged| logged.event.data.as_str()).collect();
    assert_eq!(told, [json!({ "order": 1, "item": "kettle" }).to_string()], "exactly what was committed");

    conn.close().await?;
    db.close().await?;
    Ok(())
}
