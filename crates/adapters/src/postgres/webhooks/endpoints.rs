//! Endpoints: registering them, looking for them, changing and deleting them.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::time::timeout;
use uuid::Uuid;
use waypost_core::events::Event;
use waypost_core::ids::{WebhookId, WorkspaceId};
use waypost_core::webhooks::Endpoint;

use super::row::{self, endpoint_columns, endpoint_values, named};
use crate::postgres::columns::{Columns as _, Query};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;
use crate::postgres::outbox;
use crate::postgres::signals::Signal;

macro_rules! endpoints {
    ($rest:literal) => {
        concat!("SELECT ", endpoint_columns!(), " FROM waypost_webhook WHERE ", $rest)
    };
}
/// Endpoints of one workspace are registered one after another: a count sees only what is committed.
const LOCK: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('waypost webhooks ' || current_schema() || $1::uuid::text, 0))";
const INSERT: &str = concat!(
    "WITH made AS (INSERT INTO waypost_webhook (",
    endpoint_columns!(),
    ") SELECT ",
    endpoint_values!(),
    " WHERE (SELECT count(*) FROM waypost_webhook WHERE workspace = $1) < $20 ON CONFLICT DO NOTHING RETURNING id) \
     INSERT INTO waypost_webhook_queue (endpoint) SELECT id FROM made"
);
pub(super) const ENDPOINT: &str = endpoints!("workspace = $1 AND id = $2");
pub(super) const ENDPOINTS: &str = endpoints!("workspace = $1 ORDER BY created_at, id");
pub(super) const SUBSCRIBERS: &str = endpoints!("workspace = ANY($1) AND state = 'enabled' ORDER BY created_at, id");
const UPDATE: &str = concat!(
    "UPDATE waypost_webhook SET (",
    endpoint_columns!(),
    ") = (",
    endpoint_values!(),
    ") WHERE workspace = $1 AND id = $2 AND version = $19 - 1"
);
const DELETE: &str = "WITH gone AS (DELETE FROM waypost_webhook WHERE workspace = $1 AND id = $2 RETURNING id), \
    noted AS (INSERT INTO waypost_webhook_gone (endpoint) SELECT id FROM gone ON CONFLICT DO NOTHING) \
    DELETE FROM waypost_webhook_queue WHERE endpoint IN (SELECT id FROM gone)";
const GONE: &str = "SELECT endpoint FROM waypost_webhook_gone LIMIT 100";
const FORGET: &str = "DELETE FROM waypost_webhook_gone WHERE endpoint = $1";
/// For how long a deletion goes on to remove what belonged to the endpoint; retention does the rest.
const PATIENCE: Duration = Duration::from_secs(2);
/// What belonged to it, some at a time: a statement has seconds, and there may be millions.
const BELONGINGS: [&str; 3] = [
    "DELETE FROM waypost_delivery_owed WHERE ctid = ANY (ARRAY(SELECT ctid FROM waypost_delivery_owed \
     WHERE endpoint = $1 LIMIT 20000))",
    "DELETE FROM waypost_delivery_failed WHERE endpoint = $1 AND (id, created_at) IN (SELECT id, created_at \
     FROM waypost_delivery_failed WHERE endpoint = $1 LIMIT 20000)",
    "DELETE FROM waypost_webhook_hour WHERE endpoint = $1 AND hour IN (SELECT hour FROM waypost_webhook_hour \
     WHERE endpoint = $1 LIMIT 20000)",
];

/// What was sent to one of the same id, which has been deleted and is not forgotten yet. Ids are drawn, so there is none.
const LEFT: [&str; 2] = [
    "DELETE FROM waypost_delivery WHERE endpoint = $1 AND (id, created_at) IN (SELECT id, created_at \
     FROM waypost_delivery WHERE endpoint = $1 LIMIT 20000)",
    "DELETE FROM waypost_attempt WHERE endpoint = $1 AND (id, at, number, created_at) IN (SELECT id, at, number, \
     created_at FROM waypost_attempt WHERE endpoint = $1 LIMIT 20000)",
];

/// Registers an endpoint, unless there are `most` already.
pub(super) async fn insert(db: &Postgres, endpoint: &Endpoint, most: u32) -> Result<bool, Fault> {
    let mut tx = db.begin().await?;
    sqlx::query(LOCK).bind(endpoint.workspace.to_uuid()).execute(&mut *tx).await?;
    let insert = row::bind(INSERT, endpoint).bind(i64::from(most));
    let inserted = insert.execute(&mut *tx).await?.rows_affected() > 0;
    if inserted {
        remove(&mut tx, endpoint.id).await?;
        delete_all(&mut tx, &LEFT, endpoint.id).await?;
    }
    let look = named(ENDPOINT, endpoint.workspace, endpoint.id);
    let is_there = inserted || look.fetch_optional(&mut *tx).await?.is_some();
    tx.commit().await?;
    Ok(is_there)
}

pub(super) async fn one(db: &Postgres, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Endpoint>, Fault> {
    Ok(found(db, named(ENDPOINT, workspace, id)).await?.pop())
}

pub(super) async fn all(db: &Postgres, workspace: WorkspaceId) -> Result<Vec<Endpoint>, Fault> {
    found(db, sqlx::query(ENDPOINTS).bind(workspace.to_uuid())).await
}

pub(super) async fn subscribers(db: &Postgres, workspaces: &[WorkspaceId]) -> Result<Vec<Endpoint>, Fault> {
    let workspaces: Vec<Uuid> = workspaces.iter().map(|workspace| workspace.to_uuid()).collect();
    found(db, sqlx::query(SUBSCRIBERS).bind(workspaces)).await
}

async fn found(db: &Postgres, query: Query<'_>) -> Result<Vec<Endpoint>, Fault> {
    let mut conn = db.connection().await?;
    let rows = query.fetch_all(&mut *conn).await?;
    conn.done(rows).iter().map(row::read).collect()
}

/// Keeps the endpoint as it is given, with what it tells, if the version kept is the one before.
pub(super) async fn update(db: &Postgres, endpoint: &Endpoint, events: &[Event]) -> Result<bool, Fault> {
    let mut tx = db.begin().await?;
    if row::bind(UPDATE, endpoint).execute(&mut *tx).await?.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(false);
    }
    outbox::insert_in_order(&mut tx, &events.iter().collect::<Vec<_>>()).await?;
    tx.commit().await?;
    if !events.is_empty() {
        db.signals().wake(Signal::Outbox);
    }
    Ok(true)
}

/// Deletes an endpoint with what is owed to it. What was sent is forgotten with its day.
pub(super) async fn delete(db: &Postgres, workspace: WorkspaceId, id: WebhookId) -> Result<bool, Fault> {
    let mut conn = db.connection().await?;
    // Whoever has something owed has the row of the queue first: he has committed, or finds it gone. Nobody waits for more
    // than that row, however much belonged to it.
    let deleted = named(DELETE, workspace, id).execute(&mut *conn).await?.rows_affected() > 0;
    conn.done(());
    if deleted {
        let removing = async {
            let mut conn = db.connection().await?;
            remove(&mut conn, id).await?;
            conn.done(());
            Ok::<_, Fault>(())
        };
        // It is deleted already, and what is left is noted.
        match timeout(PATIENCE, removing).await {
            Ok(Ok(())) => {}
            left => tracing::info!(endpoint = %id, ?left, "what belonged to a deleted endpoint is removed later"),
        }
    }
    Ok(deleted)
}

/// Removes what belonged to endpoints that were deleted, and was left.
pub(super) async fn remove_left(conn: &mut PgConnection) -> Result<(), Fault> {
    for row in sqlx::query(GONE).fetch_all(&mut *conn).await? {
        remove(conn, WebhookId::from_bytes(row.id(0)?)).await?;
    }
    Ok(())
}

async fn remove(conn: &mut PgConnection, id: WebhookId) -> Result<(), Fault> {
    delete_all(conn, &BELONGINGS, id).await?;
    sqlx::query(FORGET).bind(id.to_uuid()).execute(conn).await?;
    Ok(())
}

/// Runs each until there is nothing left for it.
async fn delete_all(conn: &mut PgConnection, statements: &[&'static str], id: WebhookId) -> Result<(), Fault> {
    for statement in statements {
        while sqlx::query(*statement).bind(id.to_uuid()).execute(&mut *conn).await?.rows_affected() > 0 {}
    }
    Ok(())
}
