//! Webhook endpoints in PostgreSQL.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use waypost_core::Result;
use waypost_core::ids::{WebhookId, WorkspaceId};
use waypost_core::webhooks::{Endpoint, EventPattern, Target, WebhookStore};

use super::columns::{Columns as _, Moment, Query, number};
use super::database::Postgres;
use super::error::Fault;

macro_rules! columns {
    () => {
        "workspace, id, target, events, description, is_enabled, secret, created_at, updated_at, version"
    };
}
macro_rules! endpoints {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM waypost_webhook WHERE ", $rest)
    };
}
/// Endpoints of one workspace are registered one after another: a count sees only what is committed.
const LOCK: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('waypost webhooks ' || current_schema() || $1::uuid::text, 0))";
const INSERT: &str = concat!(
    "INSERT INTO waypost_webhook (",
    columns!(),
    ") SELECT $1::uuid, $2::uuid, $3::text, $4::text[], $5::text, $6::boolean, $7::bytea, $8::timestamptz, \
     $9::timestamptz, $10::bigint \
     WHERE (SELECT count(*) FROM waypost_webhook WHERE workspace = $1) < $11 ON CONFLICT DO NOTHING"
);
pub(super) const ENDPOINT: &str = endpoints!("workspace = $1 AND id = $2");
pub(super) const ENDPOINTS: &str = endpoints!("workspace = $1 ORDER BY created_at, id");
const DELETE: &str = "DELETE FROM waypost_webhook WHERE workspace = $1 AND id = $2";

/// Keeps webhook endpoints in PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresWebhookStore {
    db: Postgres,
}

impl PostgresWebhookStore {
    /// The endpoints in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn rows(&self, query: Query<'_>) -> Result<Vec<PgRow>, Fault> {
        let mut conn = self.db.connection().await?;
        let rows = query.fetch_all(&mut *conn).await?;
        Ok(conn.done(rows))
    }

    async fn insert(&self, endpoint: &Endpoint, most: u32) -> Result<bool, Fault> {
        let insert = named(INSERT, endpoint.workspace, endpoint.id)
            .bind(endpoint.target.as_str())
            .bind(endpoint.events.iter().map(EventPattern::as_str).collect::<Vec<_>>())
            .bind(endpoint.description.as_deref())
            .bind(endpoint.is_enabled)
            .bind(&endpoint.secret[..])
            .bind(Moment(endpoint.created_at))
            .bind(Moment(endpoint.updated_at))
            .bind(number(endpoint.version))
            .bind(i64::from(most));
        let mut tx = self.db.begin().await?;
        sqlx::query(LOCK).bind(Uuid::from_bytes(endpoint.workspace.to_bytes())).execute(&mut *tx).await?;
        let inserted = insert.execute(&mut *tx).await?.rows_affected() > 0;
        let look = named(ENDPOINT, endpoint.workspace, endpoint.id);
        let is_there = inserted || look.fetch_optional(&mut *tx).await?.is_some();
        tx.commit().await?;
        Ok(is_there)
    }

    async fn delete(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool, Fault> {
        let mut conn = self.db.connection().await?;
        let deleted = named(DELETE, workspace, id).execute(&mut *conn).await?.rows_affected();
        Ok(conn.done(deleted > 0))
    }
}

/// Binds workspace and id, as the parameters 1 and 2.
fn named<'q>(sql: &'static str, workspace: WorkspaceId, id: WebhookId) -> Query<'q> {
    sqlx::query(sql).bind(Uuid::from_bytes(workspace.to_bytes())).bind(Uuid::from_bytes(id.to_bytes()))
}

fn read(row: &PgRow) -> Result<Endpoint, Fault> {
    let events: Vec<String> = row.at(3)?;
    let events = events.iter().map(|event| EventPattern::parse(event)).collect::<Result<_, _>>();
    Ok(Endpoint {
        workspace: WorkspaceId::from_bytes(row.id(0)?),
        id: WebhookId::from_bytes(row.id(1)?),
        target: Target::stored(row.at::<String>(2)?),
        events: events.map_err(|_| Fault::Column("events"))?,
        description: row.at(4)?,
        is_enabled: row.at(5)?,
        secret: row.at(6)?,
        created_at: row.time(7)?,
        updated_at: row.time(8)?,
        version: row.count(9)?,
    })
}

#[async_trait]
impl WebhookStore for PostgresWebhookStore {
    async fn insert_endpoint(&self, endpoint: &Endpoint, most: u32) -> Result<bool> {
        Ok(self.insert(endpoint, most).await?)
    }

    async fn endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Endpoint>> {
        let rows = self.rows(named(ENDPOINT, workspace, id)).await?;
        Ok(rows.first().map(read).transpose()?)
    }

    async fn endpoints(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>> {
        let rows = self.rows(sqlx::query(ENDPOINTS).bind(Uuid::from_bytes(workspace.to_bytes()))).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn delete_endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
        Ok(self.delete(workspace, id).await?)
    }
}
