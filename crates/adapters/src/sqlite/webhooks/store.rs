//! The port of endpoints.

use std::sync::LazyLock;

use async_trait::async_trait;
use waypost_core::Result;
use waypost_core::events::Event;
use waypost_core::ids::{WebhookId, WorkspaceId};
use waypost_core::webhooks::{Endpoint, WebhookStore};

use super::endpoint::{self, endpoint_columns};
use crate::sqlite::bulk::Bulk;
use crate::sqlite::database::Sqlite;
use crate::sqlite::error::Fault;
use crate::sqlite::outbox;
use crate::sqlite::wake::Wake;

macro_rules! endpoints {
    ($rest:literal) => {
        concat!("SELECT ", endpoint_columns!(), " FROM waypost_webhook e WHERE ", $rest)
    };
}
/// Counted under the lock that the row is written under, so the bound holds for all who register at once.
const INSERT: &str = "INSERT INTO waypost_webhook \
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19 \
    WHERE (SELECT count(*) FROM waypost_webhook WHERE workspace = ?1) < ?20 ON CONFLICT DO NOTHING";
const IS_GONE: &str = "SELECT 1 FROM waypost_webhook_gone WHERE endpoint = ?1";
const INSERT_QUEUE: &str = "INSERT INTO waypost_webhook_queue (endpoint, workspace) VALUES (?1, ?2)";
const UPDATE: &str = "UPDATE waypost_webhook SET (target, events, filter, headers, description, format, \
    payload_version, ordering, rate_limit, concurrency, state, verified_at, scheme, secrets, created_at, updated_at, \
    version) = (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19) \
    WHERE workspace = ?1 AND id = ?2 AND version = ?19 - 1";
pub(super) const ENDPOINT: &str = endpoints!("e.workspace = ?1 AND e.id = ?2");
pub(super) const ENDPOINTS: &str = endpoints!("e.workspace = ?1 ORDER BY e.created_at, e.id");
static SUBSCRIBERS: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = concat!(
        ") SELECT ",
        endpoint_columns!(),
        " FROM wanted w CROSS JOIN waypost_webhook e ON e.workspace = w.workspace WHERE e.state = 'enabled'"
    );
    Bulk::new("WITH wanted (workspace) AS (", 1, tail)
});

/// Keeps webhook endpoints, what is owed to them, and what became of it, in SQLite.
#[derive(Clone, Debug)]
pub struct SqliteWebhookStore {
    pub(super) db: Sqlite,
}

impl SqliteWebhookStore {
    /// The endpoints in `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    async fn insert(&self, endpoint: &Endpoint, most: u32) -> Result<bool, Fault> {
        let (workspace, id) = (endpoint.workspace.to_bytes(), endpoint.id.to_bytes());
        let insert = endpoint::bind(sqlx::query(INSERT), endpoint).bind(most);
        // What was left of one that had this id would be taken for its own.
        let is_gone = sqlx::query(IS_GONE).bind(&id[..]).fetch_optional(&mut *self.db.read().await?).await?;
        if is_gone.is_some() {
            self.remove_rest(endpoint.id).await?;
        }
        let mut tx = self.db.write().await?;
        if insert.execute(&mut *tx).await?.rows_affected() == 0 {
            let look = sqlx::query(ENDPOINT).bind(&workspace[..]).bind(&id[..]);
            return Ok(look.fetch_optional(&mut *tx).await?.is_some());
        }
        sqlx::query(INSERT_QUEUE).bind(&id[..]).bind(&workspace[..]).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn find(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Endpoint>, Fault> {
        let query = sqlx::query(ENDPOINT).bind(workspace.to_bytes().to_vec()).bind(id.to_bytes().to_vec());
        let row = query.fetch_optional(&mut *self.db.read().await?).await?;
        row.map(|row| endpoint::read(&row, 0)).transpose()
    }

    async fn list(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>, Fault> {
        let query = sqlx::query(ENDPOINTS).bind(workspace.to_bytes().to_vec());
        let rows = query.fetch_all(&mut *self.db.read().await?).await?;
        rows.iter().map(|row| endpoint::read(row, 0)).collect()
    }

    async fn wanting(&self, workspaces: &[WorkspaceId]) -> Result<Vec<Endpoint>, Fault> {
        let mut conn = self.db.read().await?;
        let rows = SUBSCRIBERS.fetch(&mut conn, workspaces, |query, one| query.bind(one.to_bytes().to_vec())).await?;
        rows.iter().map(|row| endpoint::read(row, 0)).collect()
    }

    async fn update(&self, endpoint: &Endpoint, events: &[Event]) -> Result<bool, Fault> {
        let update = endpoint::bind(sqlx::query(UPDATE), endpoint);
        let mut tx = self.db.write().await?;
        if update.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        outbox::insert(&mut tx, &events.iter().collect::<Vec<_>>()).await?;
        tx.wakes(Wake::OUTBOX);
        tx.commit().await?;
        Ok(true)
    }
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

    async fn subscribers(&self, workspaces: &[WorkspaceId]) -> Result<Vec<Endpoint>> {
        Ok(self.wanting(workspaces).await?)
    }

    async fn update_endpoint(&self, endpoint: &Endpoint, events: &[Event]) -> Result<bool> {
        Ok(self.update(endpoint, events).await?)
    }

    async fn delete_endpoint(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
        Ok(self.delete(workspace, id).await?)
    }
}
