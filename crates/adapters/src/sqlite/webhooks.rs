//! Webhook endpoints in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use waypost_core::Result;
use waypost_core::ids::{WebhookId, WorkspaceId};
use waypost_core::webhooks::{Endpoint, EventPattern, Target, WebhookStore};

use super::columns::{Columns as _, micros, number};
use super::database::Sqlite;
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
/// Counted under the lock that the row is written under, so the bound holds for all who register at once.
const INSERT: &str = concat!(
    "INSERT INTO waypost_webhook (",
    columns!(),
    ") SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 \
     WHERE (SELECT count(*) FROM waypost_webhook WHERE workspace = ?1) < ?11 ON CONFLICT DO NOTHING"
);
const ENDPOINT: &str = endpoints!("workspace = ?1 AND id = ?2");
const ENDPOINTS: &str = endpoints!("workspace = ?1 ORDER BY created_at, id");
const DELETE: &str = "DELETE FROM waypost_webhook WHERE workspace = ?1 AND id = ?2";

/// Keeps webhook endpoints in SQLite.
#[derive(Clone, Debug)]
pub struct SqliteWebhookStore {
    db: Sqlite,
}

impl SqliteWebhookStore {
    /// The endpoints in `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    async fn insert(&self, endpoint: &Endpoint, most: u32) -> Result<bool, Fault> {
        let (workspace, id) = (endpoint.workspace.to_bytes(), endpoint.id.to_bytes());
        let events: Vec<_> = endpoint.events.iter().map(EventPattern::as_str).collect();
        let insert = sqlx::query(INSERT)
            .bind(&workspace[..])
            .bind(&id[..])
            .bind(endpoint.target.as_str())
            .bind(serde_json::to_string(&events).map_err(|_| Fault::Column("events"))?)
            .bind(endpoint.description.as_deref())
            .bind(endpoint.is_enabled)
            .bind(&endpoint.secret[..])
            .bind(micros(endpoint.created_at))
            .bind(micros(endpoint.updated_at))
            .bind(number(endpoint.version))
            .bind(i64::from(most));
        let mut tx = self.db.write().await?;
        let inserted = insert.execute(&mut *tx).await?.rows_affected() > 0;
        let look = sqlx::query(ENDPOINT).bind(&workspace[..]).bind(&id[..]);
        let is_there = inserted || look.fetch_optional(&mut *tx).await?.is_some();
        tx.commit().await?;
        Ok(is_there)
    }

    async fn find(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Endpoint>, Fault> {
        let query = sqlx::query(ENDPOINT).bind(workspace.to_bytes().to_vec()).bind(id.to_bytes().to_vec());
        query.fetch_optional(&mut *self.db.read().await?).await?.as_ref().map(read).transpose()
    }

    async fn list(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>, Fault> {
        let query = sqlx::query(ENDPOINTS).bind(workspace.to_bytes().to_vec());
        query.fetch_all(&mut *self.db.read().await?).await?.iter().map(read).collect()
    }

    async fn delete(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool, Fault> {
        let delete = sqlx::query(DELETE).bind(workspace.to_bytes().to_vec()).bind(id.to_bytes().to_vec());
        let mut tx = self.db.write().await?;
        let deleted = delete.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(deleted > 0)
    }
}

fn read(row: &SqliteRow) -> Result<Endpoint, Fault> {
    let events: Vec<String> = serde_json::from_str(row.at(3)?).map_err(|_| Fault::Column("events"))?;
    let events = events.iter().map(|event| EventPattern::parse(event)).collect::<Result<_, _>>();
    Ok(Endpoint {
        workspace: WorkspaceId::from_bytes(row.bytes(0)?),
        id: WebhookId::from_bytes(row.bytes(1)?),
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
impl WebhookStore for SqliteWebhookStore {
    async fn insert_endpoint(&self, endpoint: &Endpoint, most: u32) -> Result<bool> {
        Ok(self.insert(endpoint, most).await?)
    }

    async fn endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Endpoint>> {
        Ok(self.find(workspace, id).await?)
    }

    async fn endpoints(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>> {
        Ok(self.list(workspace).await?)
    }

    async fn delete_endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
        Ok(self.delete(workspace, id).await?)
    }
}
