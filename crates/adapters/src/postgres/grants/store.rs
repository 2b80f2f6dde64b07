//! The port of grants.
//!
//! Who needs a grant and a token of it locks the grant first; who needs several grants locks them in the order of their
//! ids. So nobody waits in a circle.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use waypost_core::credentials::SecretHash;
use waypost_core::grants::{Ending, Grant, GrantStore, GrantToken, Turn};
use waypost_core::ids::{GrantId, TokenId, UserId};
use waypost_core::{Error, Kind, Result};

use super::row::{bind_grant, bind_token, grant, grants, token};
use crate::postgres::columns::{Columns as _, Moment, Query};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;

/// How often a turn looks again that found the token unused, and could not use it: it came into being between the two.
const LOOKS: usize = 3;

/// Both in one statement, so both or neither.
const OPEN: &str = "WITH token AS (INSERT INTO waypost_grant_token (hash, kind, grant_id, expires_at, binding, used_at) \
    VALUES ($1, $2, $3, $4, $5, $6)) INSERT INTO waypost_grant (id, user_id, client, workspace, scopes, label, \
    created_at, used_at, expires_at, ended_at) VALUES ($7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

pub(super) const FIND: &str = grants!(
    ", t.hash, t.kind, t.expires_at, t.binding, t.used_at",
    "JOIN waypost_grant_token t ON t.grant_id = g.id WHERE t.hash = $1"
);
pub(super) const GRANT: &str = grants!("", "WHERE g.id = $1");
/// The condition of the partial index, word for word, so that it is used.
pub(super) const LIVE: &str = grants!(
    "",
    "WHERE g.user_id = $1 AND g.ended_at IS NULL AND g.expires_at > $2 ORDER BY g.created_at DESC, g.id DESC"
);

/// Uses a token up and keeps its successor, in one statement. The lock on the grant has those who turn a token, or end
/// the grant, come one after another; the update looks at its row anew after it has waited.
pub(super) const TURN: &str = "WITH held AS MATERIALIZED (SELECT g.id FROM waypost_grant g \
    WHERE g.id = (SELECT grant_id FROM waypost_grant_token WHERE hash = $7) AND g.ended_at IS NULL FOR NO KEY UPDATE), \
    used AS (UPDATE waypost_grant_token t SET used_at = $8 FROM held \
    WHERE t.hash = $7 AND t.grant_id = held.id AND t.used_at IS NULL RETURNING t.grant_id) \
    INSERT INTO waypost_grant_token (hash, kind, grant_id, expires_at, binding, used_at) \
    SELECT $1::bytea, $2::text, $3::uuid, $4::timestamptz, $5::bytea, $6::timestamptz FROM used";
pub(super) const TURNED: &str = "SELECT t.used_at, EXISTS (SELECT 1 FROM waypost_grant_token later \
    WHERE later.grant_id = t.grant_id AND later.place > t.place AND later.used_at IS NOT NULL) \
    FROM waypost_grant_token t JOIN waypost_grant g ON g.id = t.grant_id WHERE t.hash = $1 AND g.ended_at IS NULL";
const TOUCH: &str = "UPDATE waypost_grant SET used_at = $2 WHERE id = $1 AND used_at < $2";

macro_rules! end {
    ($which:literal) => {
        concat!(
            "WITH meant AS MATERIALIZED (SELECT id FROM waypost_grant WHERE ended_at IS NULL AND expires_at > $1 AND ",
            $which,
            " ORDER BY id FOR NO KEY UPDATE) UPDATE waypost_grant g SET ended_at = $1 FROM meant WHERE g.id = meant.id"
        )
    };
}
pub(super) const END_ONE: &str = end!("id = $2");
pub(super) const END_USER: &str = end!("user_id = $2");
pub(super) const END_MEMBER: &str = end!("user_id = $2 AND workspace = $3");
pub(super) const END_CLIENT: &str = end!("client = $2");

const DENY: &str = "INSERT INTO waypost_denied_token AS kept (id, expires_at) VALUES ($1, $2) \
    ON CONFLICT (id) DO UPDATE SET expires_at = greatest(kept.expires_at, excluded.expires_at)";
pub(super) const DENIED: &str = "SELECT 1 FROM waypost_denied_token WHERE id = $1 AND expires_at > $2";

/// Rows that another node is at are left to it. What is over does not begin again, so its tokens are nobody's.
pub(super) const SWEEP_GRANTS: &str = "WITH past AS MATERIALIZED (SELECT id FROM waypost_grant \
    WHERE least(expires_at, ended_at) < $1 ORDER BY least(expires_at, ended_at) LIMIT $2 FOR UPDATE SKIP LOCKED), \
    trails AS (DELETE FROM waypost_grant_token WHERE grant_id = ANY(ARRAY(SELECT id FROM past))) \
    DELETE FROM waypost_grant WHERE id = ANY(ARRAY(SELECT id FROM past))";
pub(super) const SWEEP_TOKENS: &str = "DELETE FROM waypost_grant_token WHERE hash = ANY(ARRAY(SELECT hash \
    FROM waypost_grant_token WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
pub(super) const SWEEP_DENIED: &str = "DELETE FROM waypost_denied_token WHERE id = ANY(ARRAY(SELECT id \
    FROM waypost_denied_token WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";

/// Keeps grants in PostgreSQL.
///
/// A look-up is one statement, and so is a turn that succeeds. Any number of nodes may sweep at once.
#[derive(Clone, Debug)]
pub struct PostgresGrantStore {
    db: Postgres,
}

impl PostgresGrantStore {
    /// The grants in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn rows(&self, query: Query<'_>) -> Result<Vec<PgRow>, Fault> {
        let mut conn = self.db.connection().await?;
        let rows = query.fetch_all(&mut *conn).await?;
        Ok(conn.done(rows))
    }

    /// Runs a change; one that would keep what is there already is told so.
    async fn change(&self, query: Query<'_>) -> Result<u64, Fault> {
        let mut conn = self.db.connection().await?;
        let changed = query.execute(&mut *conn).await.map_err(|fault| Fault::from(fault).taken("grant or token"));
        // A statement that was refused leaves the connection as it was.
        match changed {
            Err(taken @ Fault::Taken(_)) => Err(conn.done(taken)),
            changed => Ok(conn.done(changed?.rows_affected())),
        }
    }

    async fn found(&self, hash: SecretHash) -> Result<Option<(Grant, GrantToken)>, Fault> {
        let rows = self.rows(sqlx::query(FIND).bind(&hash.0[..])).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let grant = grant(row)?;
        let token = token(row, grant.id)?;
        Ok(Some((grant, token)))
    }

    /// `None`: the token was found unused, though it could not be used.
    async fn turn_once(&self, used: SecretHash, successor: &GrantToken, now: Timestamp) -> Result<Option<Turn>, Fault> {
        let turn = bind_token(sqlx::query(TURN), successor).bind(&used.0[..]).bind(Moment(now));
        if self.change(turn).await? > 0 {
            return Ok(Some(Turn::Done));
        }
        let rows = self.rows(sqlx::query(TURNED).bind(&used.0[..])).await?;
        let Some(row) = rows.first() else { return Ok(Some(Turn::Unknown)) };
        let at = row.maybe_time(0)?;
        let went_on = row.at(1)?;
        Ok(at.map(|at| Turn::Used { at, went_on }))
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        let mut swept = 0;
        for sql in [SWEEP_GRANTS, SWEEP_TOKENS, SWEEP_DENIED] {
            swept += self.change(sqlx::query(sql).bind(Moment(before)).bind(i64::from(limit))).await?;
        }
        Ok(swept)
    }
}

#[async_trait]
impl GrantStore for PostgresGrantStore {
    async fn open(&self, grant: &Grant, token: &GrantToken) -> Result<()> {
        self.change(bind_grant(bind_token(sqlx::query(OPEN), token), grant)).await?;
        Ok(())
    }

    async fn find(&self, hash: SecretHash) -> Result<Option<(Grant, GrantToken)>> {
        Ok(self.found(hash).await?)
    }

    async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        let rows = self.rows(sqlx::query(GRANT).bind(Uuid::from_bytes(id.to_bytes()))).await?;
        Ok(rows.first().map(grant).transpose()?)
    }

    async fn grants(&self, user: UserId, now: Timestamp) -> Result<Vec<Grant>> {
        let query = sqlx::query(LIVE).bind(Uuid::from_bytes(user.to_bytes())).bind(Moment(now));
        Ok(self.rows(query).await?.iter().map(grant).collect::<Result<_, _>>()?)
    }

    async fn turn(&self, used: SecretHash, successor: &GrantToken, now: Timestamp) -> Result<Turn> {
        for _ in 0..LOOKS {
            if let Some(turn) = self.turn_once(used, successor, now).await? {
                return Ok(turn);
            }
        }
        Err(Error::new(Kind::Unavailable, "The store is busy"))
    }

    async fn touch(&self, id: GrantId, at: Timestamp) -> Result<()> {
        self.change(sqlx::query(TOUCH).bind(Uuid::from_bytes(id.to_bytes())).bind(Moment(at))).await?;
        Ok(())
    }

    async fn end(&self, which: Ending, now: Timestamp) -> Result<u64> {
        let query = |sql, id: [u8; 16]| sqlx::query(sql).bind(Moment(now)).bind(Uuid::from_bytes(id));
        let query = match which {
            Ending::Grant(id) => query(END_ONE, id.to_bytes()),
            Ending::User(user) => query(END_USER, user.to_bytes()),
            Ending::Member(workspace, user) => {
                query(END_MEMBER, user.to_bytes()).bind(Uuid::from_bytes(workspace.to_bytes()))
            }
            Ending::Client(client) => query(END_CLIENT, client.to_bytes()),
        };
        Ok(self.change(query).await?)
    }

    async fn deny(&self, token: TokenId, until: Timestamp) -> Result<()> {
        self.change(sqlx::query(DENY).bind(Uuid::from_bytes(token.to_bytes())).bind(Moment(until))).await?;
        Ok(())
    }

    async fn is_denied(&self, token: TokenId, now: Timestamp) -> Result<bool> {
        let query = sqlx::query(DENIED).bind(Uuid::from_bytes(token.to_bytes())).bind(Moment(now));
        Ok(!self.rows(query).await?.is_empty())
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64> {
        Ok(self.forget(before, limit).await?)
    }
}
