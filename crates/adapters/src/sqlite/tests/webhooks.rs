//! Webhook endpoints that were there before deliveries were, and what is left of those that go.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use waypost_core::conformance::fixtures::{self, at, seconds, workspace};
use waypost_core::conformance::webhooks::endpoint;
use waypost_core::events::{Epoch, Event, Position};
use waypost_core::ids::EventId;
use waypost_core::webhooks::{
    Attempt, AttemptResult, Claimed, Delivery, DeliveryLog as _, DeliveryQueue as _, DeliveryRuling, Endpoint,
    EndpointState, Hold, Room, SealedSecret, Settled, Settlement, WebhookStore as _,
};

use super::{Sqlite, database, database_file};
use crate::sqlite::columns::Columns as _;
use crate::sqlite::{SqliteWebhookStore, migrations};

/// The delivery of the n-th event to an endpoint. Its id begins with the moment at which the event was made.
pub(super) fn delivery(to: u8, n: u64) -> Delivery {
    let event = fixtures::event(n, "lnk_a");
    let millis = u128::try_from(event.created_at.as_millisecond()).unwrap();
    let id = EventId::from_bytes((millis << 80 | u128::from(n)).to_be_bytes());
    let position = Position { epoch: Epoch(u64::MAX), offset: n };
    Delivery { endpoint: endpoint(to).id, event: Event { id, ..event }, position, ordering: None }
}

/// That it has arrived, in one call.
pub(super) fn delivered(held: &Claimed, delivery: &Delivery, when: Timestamp) -> Settlement {
    let result = AttemptResult { status: Some(204), failure: None, excerpt: String::new() };
    let attempt = Attempt { number: 1, at: when, duration: Duration::from_millis(7), result, traceparent: None };
    let (id, created_at) = (delivery.id(), delivery.event.created_at);
    Settlement {
        endpoint: held.endpoint.id,
        workspace: held.endpoint.workspace,
        token: held.token,
        settled: vec![Settled { id, created_at, attempt: Some(attempt), ruling: DeliveryRuling::Delivered }],
        standing: held.standing,
        hold: Hold::Keep,
    }
}

/// How many rows say something of deliveries or of endpoints that are gone.
pub(super) async fn rows_left(db: &Sqlite) -> u64 {
    const COUNT: &str = "SELECT (SELECT count(*) FROM waypost_delivery) + (SELECT count(*) FROM waypost_delivery_owed) \
        + (SELECT count(*) FROM waypost_delivery_failed) + (SELECT count(*) FROM waypost_attempt) \
        + (SELECT count(*) FROM waypost_webhook_hour) + (SELECT count(*) FROM waypost_webhook_gone) \
        + (SELECT coalesce(sum(owed), 0) FROM waypost_delivery_day)";
    let row = sqlx::query(COUNT).fetch_one(&mut *db.read().await.unwrap()).await.unwrap();
    row.count(0).unwrap()
}

#[tokio::test]
async fn endpoints_that_were_there_keep_their_secret_and_get_deliveries() {
    const INSERT: &str = "INSERT INTO waypost_webhook (workspace, id, target, events, description, is_enabled, secret, \
        created_at, updated_at, version) VALUES (?1, ?2, ?3, '[\"*\"]', NULL, ?4, ?5, ?6, ?6, 3)";
    let folder = tempfile::tempdir().unwrap();
    let mut conn = SqliteConnection::connect_with(&database_file(&folder).writing()).await.unwrap();
    migrations::run_first(&mut conn, 2).await.unwrap();
    // Each length modulo three, and every byte.
    let secrets: [Vec<u8>; 4] = [vec![0], vec![255, 0], vec![1, 2, 253], (0..=255).collect()];
    let mut expected = Vec::new();
    for (n, secret) in (1..).zip(secrets) {
        let made_at = at(i64::from(n));
        let state = if n == 2 { EndpointState::Disabled } else { EndpointState::Enabled };
        let before = Endpoint {
            secrets: vec![SealedSecret { sealed: secret.clone(), made_at, ends_at: None }],
            state,
            version: 3,
            ..endpoint(n)
        };
        let insert = sqlx::query(INSERT).bind(workspace(1).to_bytes().to_vec()).bind(before.id.to_bytes().to_vec());
        let insert = insert.bind(before.target.as_str().to_owned()).bind(state == EndpointState::Enabled).bind(secret);
        insert.bind(made_at.as_microsecond()).execute(&mut conn).await.unwrap();
        expected.push(before);
    }
    conn.close().await.unwrap();
    let store = SqliteWebhookStore::new(&Sqlite::open(database_file(&folder)).await.unwrap());
    assert_eq!(store.endpoints(workspace(1)).await.unwrap(), expected);
    assert_eq!(store.enqueue(&[delivery(1, 1)], at(5)).await.unwrap(), 1);
    let claimed = store.claim(Room { queues: 9, each: 9 }, at(5), seconds(30)).await.unwrap();
    assert_eq!((claimed[0].endpoint.clone(), claimed[0].due.len()), (expected.remove(0), 1));
}

#[tokio::test]
async fn what_goes_in_many_batches_leaves_no_row_behind() {
    const DELIVERIES: u64 = 2_500;
    let (db, _folder) = database().await;
    let store = SqliteWebhookStore::new(&db);
    for n in [1, 2] {
        store.insert_endpoint(&endpoint(n), 9).await.unwrap();
    }
    let all: Vec<_> = [1, 2].into_iter().flat_map(|to| (1..=DELIVERIES).map(move |n| delivery(to, n))).collect();
    for batch in all.chunks(1_000) {
        store.enqueue(batch, at(3_000)).await.unwrap();
    }
    for held in store.claim(Room { queues: 9, each: 9_999 }, at(3_000), seconds(30)).await.unwrap() {
        let settled = held.due.iter().flat_map(|due| delivered(&held, &due.delivery, at(3_001)).settled).collect();
        let settlement = Settlement { settled, ..delivered(&held, &held.due[0].delivery, at(0)) };
        store.settle(&[settlement]).await.unwrap();
    }
    assert!(store.delete_endpoint(workspace(1), endpoint(1).id).await.unwrap());
    assert_eq!(rows_left(&db).await, 2 * DELIVERIES + 1, "deliveries and calls of the other, and one hour");
    assert_eq!(store.trim(at(86_400)).await.unwrap(), 1);
    assert_eq!(rows_left(&db).await, 0);
}
