//! Credentials in PostgreSQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use waypost_core::Result;
use waypost_core::credentials::{ApiKey, CredentialStore, KeyHash, PlanName, Scopes, Workspace};
use waypost_core::ids::{KeyId, WorkspaceId};

use super::columns::{Columns as _, Moment, Query};
use super::database::Postgres;
use super::error::Fault;

const PROPOSE_WORKSPACE: &str =
    "INSERT INTO waypost_workspace (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const WORKSPACE: &str = "SELECT id, name, created_at FROM waypost_workspace WHERE name = $1";
const PROPOSE_SECRET: &str = "INSERT INTO waypost_secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const SECRET: &str = "SELECT value FROM waypost_secret WHERE name = $1";

macro_rules! columns {
    () => {
        "id, workspace, name, hash, hint, scopes, created_at, expires_at, last_used_at, revoked_at, plan"
    };
}
macro_rules! keys {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM waypost_api_key WHERE ", $rest)
    };
}
const PROPOSE_KEY: &str = concat!(
    "INSERT INTO waypost_api_key (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING"
);
const KEY: &str = keys!("hash = $1");
const KEYS: &str = keys!("workspace = $1 ORDER BY created_at, id");
const REVOKE: &str = concat!(
    "UPDATE waypost_api_key SET revoked_at = coalesce(revoked_at, $3) WHERE id = $1 AND workspace = $2 RETURNING ",
    columns!()
);
const EXPIRE: &str = concat!(
    "UPDATE waypost_api_key SET expires_at = least(coalesce(expires_at, $3), $3) WHERE id = $1 AND workspace = $2 RETURNING ",
    columns!()
);
/// Locked in the order of their ids: nodes that note the use of the same keys wait for each other, never in a circle.
const TOUCH: &str = "WITH used AS MATERIALIZED (SELECT k.id, u.at FROM waypost_api_key k \
    JOIN (SELECT id, max(at) FROM UNNEST($1::uuid[], $2::timestamptz[]) AS u (id, at) GROUP BY id) AS u (id, at) \
    ON u.id = k.id WHERE k.last_used_at IS NULL OR k.last_used_at < u.at ORDER BY k.id FOR UPDATE OF k) \
    UPDATE waypost_api_key k SET last_used_at = used.at FROM used WHERE k.id = used.id";

/// Keeps credentials in PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresCredentialStore {
    db: Postgres,
}

impl PostgresCredentialStore {
    /// The credentials in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn rows(&self, query: Query<'_>) -> Result<Vec<PgRow>, Fault> {
        let mut conn = self.db.connection().await?;
        let rows = query.fetch_all(&mut *conn).await?;
        Ok(conn.done(rows))
    }

    /// What `look` finds, after `propose` where it finds nothing. A proposal waits for another of the same name to be
    /// decided, so of those who propose at once the first wins, and the look after it sees that one.
    async fn settle(
        &self,
        propose: Query<'_>,
        look: impl Fn() -> Query<'static> + Send + Sync,
    ) -> Result<PgRow, Fault> {
        let mut conn = self.db.connection().await?;
        if let Some(row) = look().fetch_optional(&mut *conn).await? {
            return Ok(conn.done(row));
        }
        propose.execute(&mut *conn).await?;
        let row = look().fetch_one(&mut *conn).await?;
        Ok(conn.done(row))
    }

    async fn settle_workspace(&self, proposed: &Workspace) -> Result<Workspace, Fault> {
        let propose = sqlx::query(PROPOSE_WORKSPACE)
            .bind(Uuid::from_bytes(proposed.id.to_bytes()))
            .bind(proposed.name.as_str())
            .bind(Moment(proposed.created_at));
        let row = self.settle(propose, || sqlx::query(WORKSPACE).bind(proposed.name.clone())).await?;
        read_workspace(&row)
    }

    async fn settle_key(&self, key: &ApiKey) -> Result<ApiKey, Fault> {
        let propose = sqlx::query(PROPOSE_KEY)
            .bind(Uuid::from_bytes(key.id.to_bytes()))
            .bind(Uuid::from_bytes(key.workspace.to_bytes()))
            .bind(key.name.as_str())
            .bind(&key.hash.0[..])
            .bind(key.hint.as_str())
            .bind(key.scopes.to_string())
            .bind(Moment(key.created_at))
            .bind(key.expires_at.map(Moment))
            .bind(key.last_used_at.map(Moment))
            .bind(key.revoked_at.map(Moment))
            .bind(key.plan.as_ref().map(|plan| plan.as_str().to_owned()));
        let hash = key.hash.0;
        read_key(&self.settle(propose, || sqlx::query(KEY).bind(hash.to_vec())).await?)
    }

    /// Changes the end of a key by `change`, which takes the key, its workspace and a moment.
    async fn end(
        &self,
        change: &'static str,
        workspace: WorkspaceId,
        id: KeyId,
        at: Timestamp,
    ) -> Result<Option<ApiKey>, Fault> {
        let query = sqlx::query(change)
            .bind(Uuid::from_bytes(id.to_bytes()))
            .bind(Uuid::from_bytes(workspace.to_bytes()))
            .bind(Moment(at));
        self.rows(query).await?.first().map(read_key).transpose()
    }

    async fn settle_secret(&self, name: &str, proposed: [u8; 32]) -> Result<[u8; 32], Fault> {
        let propose = sqlx::query(PROPOSE_SECRET).bind(name).bind(&proposed[..]);
        self.settle(propose, || sqlx::query(SECRET).bind(name.to_owned())).await?.bytes(0)
    }
}

fn read_workspace(row: &PgRow) -> Result<Workspace, Fault> {
    Ok(Workspace { id: WorkspaceId::from_bytes(row.id(0)?), name: row.at(1)?, created_at: row.time(2)? })
}

fn read_key(row: &PgRow) -> Result<ApiKey, Fault> {
    Ok(ApiKey {
        id: KeyId::from_bytes(row.id(0)?),
        workspace: WorkspaceId::from_bytes(row.id(1)?),
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
impl CredentialStore for PostgresCredentialStore {
    async fn workspace(&self, proposed: Workspace) -> Result<Workspace> {
        Ok(self.settle_workspace(&proposed).await?)
    }

    async fn find_workspace(&self, name: &str) -> Result<Option<Workspace>> {
        let rows = self.rows(sqlx::query(WORKSPACE).bind(name)).await?;
        Ok(rows.first().map(read_workspace).transpose()?)
    }

    async fn insert_key(&self, key: &ApiKey) -> Result<ApiKey> {
        Ok(self.settle_key(key).await?)
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>> {
        let rows = self.rows(sqlx::query(KEY).bind(&hash.0[..])).await?;
        Ok(rows.first().map(read_key).transpose()?)
    }

    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>> {
        let rows = self.rows(sqlx::query(KEYS).bind(Uuid::from_bytes(workspace.to_bytes()))).await?;
        Ok(rows.iter().map(read_key).collect::<Result<_, _>>()?)
    }

    async fn revoke_key(&self, workspace: WorkspaceId, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>> {
        Ok(self.end(REVOKE, workspace, id, now).await?)
    }

    async fn expire_key(&self, workspace: WorkspaceId, id: KeyId, at: Timestamp) -> Result<Option<ApiKey>> {
        Ok(self.end(EXPIRE, workspace, id, at).await?)
    }

    async fn touch_keys(&self, used: &[(KeyId, Timestamp)]) -> Result<()> {
        let (ids, moments): (Vec<_>, Vec<_>) =
            used.iter().map(|(id, at)| (Uuid::from_bytes(id.to_bytes()), Moment(*at))).unzip();
        self.rows(sqlx::query(TOUCH).bind(ids).bind(moments)).await?;
        Ok(())
    }

    async fn secret(&self, name: &str, proposed: [u8; 32]) -> Result<[u8; 32]> {
        Ok(self.settle_secret(name, proposed).await?)
    }
}
