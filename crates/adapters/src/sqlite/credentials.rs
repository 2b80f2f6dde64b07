//! Credentials in SQLite.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use waypost_core::Result;
use waypost_core::credentials::{ApiKey, CredentialStore, KeyHash, PlanName, Scopes, Workspace};
use waypost_core::ids::{KeyId, WorkspaceId};

use super::columns::{Columns as _, Query, micros};
use super::database::Sqlite;
use super::error::Fault;

const PROPOSE_WORKSPACE: &str =
    "INSERT INTO waypost_workspace (id, name, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
const WORKSPACE: &str = "SELECT id, name, created_at FROM waypost_workspace WHERE name = ?1";
const PROPOSE_SECRET: &str = "INSERT INTO waypost_secret (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const SECRET: &str = "SELECT value FROM waypost_secret WHERE name = ?1";

macro_rules! keys {
    ($rest:literal) => {
        concat!(
            "SELECT id, workspace, name, hash, hint, scopes, created_at, expires_at, last_used_at, revoked_at, plan \
             FROM waypost_api_key WHERE ",
            $rest
        )
    };
}
const INSERT_KEY: &str = "INSERT INTO waypost_api_key (id, workspace, name, hash, hint, scopes, created_at, \
    expires_at, last_used_at, revoked_at, plan) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
const KEY: &str = keys!("hash = ?1");
const KEY_BY_ID: &str = keys!("id = ?1 AND workspace = ?2");
const KEYS: &str = keys!("workspace = ?1 ORDER BY created_at, id");
const REVOKE: &str =
    "UPDATE waypost_api_key SET revoked_at = coalesce(revoked_at, ?3) WHERE id = ?1 AND workspace = ?2";
const EXPIRE: &str =
    "UPDATE waypost_api_key SET expires_at = min(coalesce(expires_at, ?3), ?3) WHERE id = ?1 AND workspace = ?2";
const TOUCH: &str = "UPDATE waypost_api_key SET last_used_at = max(coalesce(last_used_at, ?2), ?2) WHERE id = ?1";

/// Keeps credentials in SQLite.
#[derive(Clone, Debug)]
pub struct SqliteCredentialStore {
    db: Sqlite,
}

impl SqliteCredentialStore {
    /// The credentials in `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    async fn look(&self, query: Query<'_>) -> Result<Option<SqliteRow>, Fault> {
        Ok(query.fetch_optional(&mut *self.db.read().await?).await?)
    }

    /// What `look` finds, after `propose` where it finds nothing. Both run under the write lock then, so of those who
    /// propose at once the first wins.
    async fn settle(
        &self,
        propose: Query<'_>,
        look: impl Fn() -> Query<'static> + Send + Sync,
    ) -> Result<SqliteRow, Fault> {
        if let Some(row) = self.look(look()).await? {
            return Ok(row);
        }
        let mut tx = self.db.write().await?;
        propose.execute(&mut *tx).await?;
        let row = look().fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(row)
    }

    async fn settle_workspace(&self, proposed: &Workspace) -> Result<Workspace, Fault> {
        let propose = sqlx::query(PROPOSE_WORKSPACE)
            .bind(&proposed.id.to_bytes()[..])
            .bind(proposed.name.as_str())
            .bind(micros(proposed.created_at));
        let row = self.settle(propose, || sqlx::query(WORKSPACE).bind(proposed.name.as_str())).await?;
        read_workspace(&row)
    }

    async fn settle_key(&self, key: &ApiKey) -> Result<ApiKey, Fault> {
        let propose = sqlx::query(INSERT_KEY)
            .bind(&key.id.to_bytes()[..])
            .bind(&key.workspace.to_bytes()[..])
            .bind(key.name.as_str())
            .bind(&key.hash.0[..])
            .bind(key.hint.as_str())
            .bind(key.scopes.to_string())
            .bind(micros(key.created_at))
            .bind(key.expires_at.map(micros))
            .bind(key.last_used_at.map(micros))
            .bind(key.revoked_at.map(micros))
            .bind(key.plan.as_ref().map(|plan| plan.as_str().to_owned()));
        read_key(&self.settle(propose, || sqlx::query(KEY).bind(&key.hash.0[..])).await?)
    }

    async fn settle_secret(&self, name: &str, proposed: [u8; 32]) -> Result<[u8; 32], Fault> {
        let propose = sqlx::query(PROPOSE_SECRET).bind(name).bind(&proposed[..]);
        self.settle(propose, || sqlx::query(SECRET).bind(name)).await?.bytes(0)
    }

    async fn list(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>, Fault> {
        let query = sqlx::query(KEYS).bind(&workspace.to_bytes()[..]);
        query.fetch_all(&mut *self.db.read().await?).await?.iter().map(read_key).collect()
    }

    /// Changes the end of a key by `change`, which takes the key, its workspace and a moment.
    async fn end(
        &self,
        change: &'static str,
        workspace: WorkspaceId,
        id: KeyId,
        at: Timestamp,
    ) -> Result<Option<ApiKey>, Fault> {
        let (id, workspace) = (id.to_bytes(), workspace.to_bytes());
        let mut tx = self.db.write().await?;
        sqlx::query(change).bind(&id[..]).bind(&workspace[..]).bind(micros(at)).execute(&mut *tx).await?;
        let row = sqlx::query(KEY_BY_ID).bind(&id[..]).bind(&workspace[..]).fetch_optional(&mut *tx).await?;
        tx.commit().await?;
        row.as_ref().map(read_key).transpose()
    }

    async fn touch(&self, used: &[(KeyId, Timestamp)]) -> Result<(), Fault> {
        let mut tx = self.db.write().await?;
        for (id, at) in used {
            sqlx::query(TOUCH).bind(&id.to_bytes()[..]).bind(micros(*at)).execute(&mut *tx).await?;
        }
        tx.commit().await
    }
}

fn read_workspace(row: &SqliteRow) -> Result<Workspace, Fault> {
    Ok(Workspace { id: WorkspaceId::from_bytes(row.bytes(0)?), name: row.at(1)?, created_at: row.time(2)? })
}

fn read_key(row: &SqliteRow) -> Result<ApiKey, Fault> {
    Ok(ApiKey {
        id: KeyId::from_bytes(row.bytes(0)?),
        workspace: WorkspaceId::from_bytes(row.bytes(1)?),
        name: row.at(2)?,
        hash: KeyHash(row.bytes(3)?),
        hint: row.at(4)?,
        scopes: Scopes::parse(row.at(5)?).map_err(|_| Fault::Column("scopes"))?,
        created_at: row.time(6)?,
        expires_at: row.maybe_time(7)?,
        last_used_at: row.maybe_time(8)?,
        revoked_at: row.maybe_time(9)?,
        plan: plan(row.at(10)?)?,
    })
}

/// The plan that a column names.
pub(super) fn plan(name: Option<&str>) -> Result<Option<PlanName>, Fault> {
    name.map(PlanName::parse).transpose().map_err(|_| Fault::Column("plan"))
}

#[async_trait]
impl CredentialStore for SqliteCredentialStore {
    async fn workspace(&self, proposed: Workspace) -> Result<Workspace> {
        Ok(self.settle_workspace(&proposed).await?)
    }

    async fn find_workspace(&self, name: &str) -> Result<Option<Workspace>> {
        let row = self.look(sqlx::query(WORKSPACE).bind(name)).await?;
        Ok(row.as_ref().map(read_workspace).transpose()?)
    }

    async fn insert_key(&self, key: &ApiKey) -> Result<ApiKey> {
        Ok(self.settle_key(key).await?)
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>> {
        let row = self.look(sqlx::query(KEY).bind(&hash.0[..])).await?;
        Ok(row.as_ref().map(read_key).transpose()?)
    }

    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>> {
        Ok(self.list(workspace).await?)
    }

    async fn revoke_key(&self, workspace: WorkspaceId, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>> {
        Ok(self.end(REVOKE, workspace, id, now).await?)
    }

    async fn expire_key(&self, workspace: WorkspaceId, id: KeyId, at: Timestamp) -> Result<Option<ApiKey>> {
        Ok(self.end(EXPIRE, workspace, id, at).await?)
    }

    async fn touch_keys(&self, used: &[(KeyId, Timestamp)]) -> Result<()> {
        Ok(self.touch(used).await?)
    }

    async fn secret(&self, name: &str, proposed: [u8; 32]) -> Result<[u8; 32]> {
        Ok(self.settle_secret(name, proposed).await?)
    }
}
