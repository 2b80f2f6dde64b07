//! What the version before kept.

use sqlx::AssertSqlSafe;
use waypost_core::conformance::fixtures::at;
use waypost_core::webhooks::{EndpointState, EventPattern, SealedSecret, Target};

use super::*;
use crate::postgres::{Postgres, migrations};

/// As the version before left them: an endpoint that gets deliveries, and one that does not.
const KEPT: &str = "INSERT INTO waypost_webhook (workspace, id, target, events, description, is_enabled, secret, \
    created_at, updated_at, version) SELECT '01234567-89ab-7000-8000-000000000001', \
    ('0' || n || repeat('0' || n, 15))::uuid, 'https://hooks.example/' || n, '{link.created,link.*}', 'the ' || n, \
    n = 1, $1, '2026-11-02 00:00:01.000009Z', '2026-11-02 00:00:02Z', 3 FROM generate_series(1, 2) AS n";

#[tokio::test]
async fn endpoints_of_the_version_before_keep_their_secret_and_get_deliveries() {
    let (db, schema) = database().await;
    db.close().await;
    let before = migrations(options(&schema)).await.unwrap().into_iter().find(|one| one.version == 8).unwrap().sql;
    let before = &before[before.find("CREATE TABLE waypost_webhook (").expect("it was made there")..];
    let mut conn = schema.connection().await;
    let back = "DROP TABLE waypost_webhook, waypost_webhook_queue, waypost_webhook_hour, waypost_webhook_gone, waypost_delivery, \
        waypost_delivery_owed, waypost_delivery_failed, waypost_attempt; DELETE FROM waypost_migration WHERE version = 9";
    conn.execute(back).await.unwrap();
    conn.execute(AssertSqlSafe(before.to_owned())).await.unwrap();
    let sealed: Vec<u8> = (0..=255).collect();
    sqlx::query(KEPT).bind(&sealed).execute(&mut conn).await.unwrap();

    let db = Postgres::open(options(&schema)).await.unwrap();
    let store = PostgresWebhookStore::new(&db);
    let made = at(1) + Duration::from_micros(9);
    let kept = |n: u8, state| Endpoint {
        target: Target::stored(format!("https://hooks.example/{n}")),
        events: ["link.created", "link.*"].map(|text| EventPattern::parse(text).unwrap()).into(),
        description: Some(format!("the {n}")),
        state,
        secrets: vec![SealedSecret { sealed: sealed.clone(), made_at: made, ends_at: None }],
        created_at: made,
        updated_at: at(2),
        version: 3,
        ..endpoint(n)
    };
    let all = [kept(1, EndpointState::Enabled), kept(2, EndpointState::Disabled)];
    assert_eq!(store.endpoints(workspace(1)).await.unwrap(), all);
    assert_eq!(store.enqueue(&[delivery(&all[0], 1, 60)], at(60)).await.unwrap(), 1);
    assert_eq!(numbers(&claimed(&store, 60).await), [[1]]);
}
