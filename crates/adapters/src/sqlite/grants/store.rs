//! The port of grants.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use waypost_core::Result;
use waypost_core::credentials::SecretHash;
use waypost_core::grants::{Ending, Grant, GrantStore, GrantToken, Turn};
use waypost_core::ids::{GrantId, TokenId, UserId};

use super::row::{bind_grant, bind_token, grant, grants, token};
use crate::sqlite::columns::{Columns as _, Query, micros};
use crate::sqlite::database::Sqlite;
use crate::sqlite::error::Fault;

const OPEN: &str = "INSERT INTO waypost_grant (id, user_id, client, workspace, scopes, label, created_at, used_at, \
    expires_at, ended_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
const KEEP: &str = "INSERT INTO waypost_grant_token (hash, kind, grant_id, expires_at, binding, used_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";

pub(super) const FIND: &str = grants!(
    ", t.hash, t.kind, t.expires_at, t.binding, t.used_at",
    "JOIN waypost_grant_token t ON t.grant_id = g.id WHERE t.hash = ?1"
);
pub(super) const GRANT: &str = grants!("", "WHERE g.id = ?1");
/// The condition of the partial index, word for word, so that it is used.
pub(super) const LIVE: &str = grants!(
    "",
    "WHERE g.user_id = ?1 AND g.ended_at IS NULL AND g.expires_at > ?2 ORDER BY g.created_at DESC, g.id DESC"
);

const TURNED: &str = "SELECT t.grant_id, t.place, t.used_at FROM waypost_grant_token t \
    JOIN waypost_grant g ON g.id = t.grant_id WHERE t.hash = ?1 AND g.ended_at IS NULL";
pub(super) const WENT_ON: &str =
    "SELECT 1 FROM waypost_grant_token WHERE grant_id = ?1 AND place > ?2 AND used_at IS NOT NULL LIMIT 1";
const USE: &str = "UPDATE waypost_grant_token SET used_at = ?2 WHERE hash = ?1";
const TOUCH: &str = "UPDATE waypost_grant SET used_at = ?2 WHERE id = ?1 AND used_at < ?2";

macro_rules! end {
    ($which:literal) => {
        concat!("UPDATE waypost_grant SET ended_at = ?1 WHERE ended_at IS NULL AND expires_at > ?1 AND ", $which)
    };
}
pub(super) const END_ONE: &str = end!("id = ?2");
pub(super) const END_USER: &str = end!("user_id = ?2");
pub(super) const END_MEMBER: &str = end!("user_id = ?2 AND workspace = ?3");
pub(super) const END_CLIENT: &str = end!("client = ?2");

const DENY: &str = "INSERT INTO waypost_denied_token (id, expires_at) VALUES (?1, ?2) \
    ON CONFLICT (id) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)";
const DENIED: &str = "SELECT 1 FROM waypost_denied_token WHERE id = ?1 AND expires_at > ?2";

/// Deletes by the grants that are over, which are the same ones for both statements that ask.
macro_rules! of_over {
    ($delete:literal) => {
        concat!(
            $delete,
            " IN (SELECT id FROM waypost_grant WHERE min(expires_at, coalesce(ended_at, expires_at)) < ?1 \
             ORDER BY min(expires_at, coalesce(ended_at, expires_at)), id LIMIT ?2)"
        )
    };
}
pub(super) const SWEEP_TRAILS: &str = of_over!("DELETE FROM waypost_grant_token WHERE grant_id");
pub(super) const SWEEP_GRANTS: &str = of_over!("DELETE FROM waypost_grant WHERE id");
pub(super) const SWEEP_TOKENS: &str = "DELETE FROM waypost_grant_token WHERE place IN \
    (SELECT place FROM waypost_grant_token WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)";
pub(super) const SWEEP_DENIED: &str = "DELETE FROM waypost_denied_token WHERE id IN \
    (SELECT id FROM waypost_denied_token WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)";

/// Keeps grants in SQLite.
#[derive(Clone, Debug)]
pub struct SqliteGrantStore {
    db: Sqlite,
}

impl SqliteGrantStore {
    /// The grants in `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    async fn look(&self, query: Query<'_>) -> Result<Option<SqliteRow>, Fault> {
        Ok(query.fetch_optional(&mut *self.db.read().await?).await?)
    }

    async fn change(&self, query: Query<'_>) -> Result<u64, Fault> {
        let mut tx = self.db.write().await?;
        let changed = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(changed)
    }

    async fn keep_both(&self, grant: &Grant, first: &GrantToken) -> Result<(), Fault> {
        let mut tx = self.db.write().await?;
        if bind_grant(sqlx::query(OPEN), grant).execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(Fault::Taken("grant"));
        }
        keep(&mut tx, first).await?;
        tx.commit().await
    }

    async fn found(&self, hash: SecretHash) -> Result<Option<(Grant, GrantToken)>, Fault> {
        let Some(row) = self.look(sqlx::query(FIND).bind(&hash.0[..])).await? else { return Ok(None) };
        let grant = grant(&row)?;
        let token = token(&row, grant.id)?;
        Ok(Some((grant, token)))
    }

    async fn live(&self, user: UserId, now: Timestamp) -> Result<Vec<Grant>, Fault> {
        let query = sqlx::query(LIVE).bind(user.to_bytes().to_vec()).bind(micros(now));
        query.fetch_all(&mut *self.db.read().await?).await?.iter().map(grant).collect()
    }

    async fn turn_one(&self, used: SecretHash, successor: &GrantToken, now: Timestamp) -> Result<Turn, Fault> {
        let mut tx = self.db.write().await?;
        let Some(row) = sqlx::query(TURNED).bind(&used.0[..]).fetch_optional(&mut *tx).await? else {
            return Ok(Turn::Unknown);
        };
        if let Some(at) = row.maybe_time(2)? {
            let later = sqlx::query(WENT_ON).bind(row.at::<Vec<u8>>(0)?).bind(row.at::<i64>(1)?);
            return Ok(Turn::Used { at, went_on: later.fetch_optional(&mut *tx).await?.is_some() });
        }
        keep(&mut tx, successor).await?;
        sqlx::query(USE).bind(&used.0[..]).bind(micros(now)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Turn::Done)
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        let mut tx = self.db.write().await?;
        let mut swept = 0;
        for (sql, counts) in [(SWEEP_TRAILS, 0), (SWEEP_GRANTS, 1), (SWEEP_TOKENS, 1), (SWEEP_DENIED, 1)] {
            let query = sqlx::query(sql).bind(micros(before)).bind(i64::from(limit));
            swept += counts * query.execute(&mut *tx).await?.rows_affected();
        }
        tx.commit().await?;
        Ok(swept)
    }
}

async fn keep(conn: &mut SqliteConnection, token: &GrantToken) -> Result<(), Fault> {
    match bind_token(sqlx::query(KEEP), token).execute(conn).await?.rows_affected() {
        0 => Err(Fault::Taken("token")),
        _ => Ok(()),
    }
}

#[async_trait]
impl GrantStore for SqliteGrantStore {
    async fn open(&self, grant: &Grant, token: &GrantToken) -> Result<()> {
        Ok(self.keep_both(grant, token).await?)
    }

    async fn find(&self, hash: SecretHash) -> Result<Option<(Grant, GrantToken)>> {
        Ok(self.found(hash).await?)
    }

    async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        let row = self.look(sqlx::query(GRANT).bind(&id.to_bytes()[..])).await?;
        Ok(row.as_ref().map(grant).transpose()?)
    }

    async fn grants(&self, user: UserId, now: Timestamp) -> Result<Vec<Grant>> {
        Ok(self.live(user, now).await?)
    }

    async fn turn(&self, used: SecretHash, successor: &GrantToken, now: Timestamp) -> Result<Turn> {
        Ok(self.turn_one(used, successor, now).await?)
    }

    async fn touch(&self, id: GrantId, at: Timestamp) -> Result<()> {
        self.change(sqlx::query(TOUCH).bind(&id.to_bytes()[..]).bind(micros(at))).await?;
        Ok(())
    }

    async fn end(&self, which: Ending, now: Timestamp) -> Result<u64> {
        let query = |sql| sqlx::query(sql).bind(micros(now));
        let query = match which {
            Ending::Grant(id) => query(END_ONE).bind(id.to_bytes().to_vec()),
            Ending::User(user) => query(END_USER).bind(user.to_bytes().to_vec()),
            Ending::Member(workspace, user) => {
                query(END_MEMBER).bind(user.to_bytes().to_vec()).bind(workspace.to_bytes().to_vec())
            }
            Ending::Client(client) => query(END_CLIENT).bind(client.to_bytes().to_vec()),
        };
        Ok(self.change(query).await?)
    }

    async fn deny(&self, token: TokenId, until: Timestamp) -> Result<()> {
        self.change(sqlx::query(DENY).bind(&token.to_bytes()[..]).bind(micros(until))).await?;
        Ok(())
    }

    async fn is_denied(&self, token: TokenId, now: Timestamp) -> Result<bool> {
        let query = sqlx::query(DENIED).bind(token.to_bytes().to_vec()).bind(micros(now));
        Ok(self.look(query).await?.is_some())
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64> {
        Ok(self.forget(before, limit).await?)
    }
}
