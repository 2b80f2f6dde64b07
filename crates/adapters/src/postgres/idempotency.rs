//! Claims and answers in PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;
use waypost_core::Result;
use waypost_core::idempotency::{Answer, Claim, ClaimRequest, Fingerprint, IdempotencyStore, Lease, Settled};

use super::columns::{Columns as _, Moment, Query, number};
use super::database::Postgres;
use super::error::Fault;

/// How often a claim looks again, where what stood in its way was gone when it looked. Each time somebody else got on, so
/// it hardly comes to a second.
const LOOKS: usize = 5;

/// Takes the key if nothing that is not over stands for it. Who races for a key waits here for the other's row, and
/// decides by it.
const GRANT: &str = "INSERT INTO waypost_idempotency AS kept (workspace, key, fingerprint, token, over_at) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace, key) DO UPDATE SET fingerprint = excluded.fingerprint, \
    token = excluded.token, over_at = excluded.over_at, status = NULL, headers = NULL, body = NULL \
    WHERE kept.over_at <= $6";
const STANDING: &str = "SELECT fingerprint, over_at, status, headers, body FROM waypost_idempotency \
    WHERE workspace = $1 AND key = $2";

/// A statement on the row of a lease that holds: the token is its, and nothing was answered under it yet.
macro_rules! fenced {
    ($before:literal, $after:literal) => {
        concat!($before, " WHERE workspace = $1 AND key = $2 AND token = $3 AND status IS NULL", $after)
    };
}
const COMPLETE: &str = fenced!("UPDATE waypost_idempotency SET status = $4, headers = $5, body = $6, over_at = $7", "");
const LOCK: &str = fenced!("SELECT 1 FROM waypost_idempotency", " FOR UPDATE");
const RELEASE: &str = fenced!("DELETE FROM waypost_idempotency", "");

/// Rows that another node is sweeping are left to it.
const SWEEP: &str = "DELETE FROM waypost_idempotency WHERE ctid = ANY(ARRAY(SELECT ctid FROM waypost_idempotency \
    WHERE over_at <= $1 ORDER BY over_at LIMIT $2 FOR UPDATE SKIP LOCKED))";

/// Keeps claims and answers in PostgreSQL.
///
/// A claim is one statement, and a second one where the key is taken. Any number of nodes may sweep at once.
#[derive(Clone, Debug)]
pub struct PostgresIdempotencyStore {
    db: Postgres,
}

impl PostgresIdempotencyStore {
    /// The claims and answers in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn grant(&self, request: &ClaimRequest) -> Result<Claim, Fault> {
        let over_at = request.now.saturating_add(request.lease).unwrap_or(Timestamp::MAX);
        let mut conn = self.db.connection().await?;
        for _ in 0..LOOKS {
            let granted = sqlx::query(GRANT)
                .bind(Uuid::from_bytes(request.key.workspace.to_bytes()))
                .bind(request.key.key.as_str())
                .bind(&request.fingerprint.to_bytes()[..])
                .bind(&request.token.0[..])
                .bind(Moment(over_at))
                .bind(Moment(request.now))
                .execute(&mut *conn)
                .await?
                .rows_affected();
            if granted > 0 {
                return Ok(conn.done(Claim::Granted(request.lease())));
            }
            let standing = sqlx::query(STANDING)
                .bind(Uuid::from_bytes(request.key.workspace.to_bytes()))
                .bind(request.key.key.as_str())
                .fetch_optional(&mut *conn)
                .await?;
            if let Some(row) = standing {
                return found(&conn.done(row), request);
            }
        }
        Ok(conn.done(Claim::Busy(Duration::ZERO)))
    }

    async fn run(&self, query: Query<'_>) -> Result<u64, Fault> {
        let mut conn = self.db.connection().await?;
        let done = query.execute(&mut *conn).await?;
        Ok(conn.done(done.rows_affected()))
    }
}

#[async_trait]
impl IdempotencyStore for PostgresIdempotencyStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim> {
        Ok(self.grant(request).await?)
    }

    async fn complete(&self, lease: &Lease, answer: &Answer, keep_until: Timestamp) -> Result<Settled> {
        Ok(settled(self.run(answered(fenced(COMPLETE, lease), answer, keep_until)?).await?))
    }

    async fn release(&self, lease: &Lease) -> Result<Settled> {
        Ok(settled(self.run(fenced(RELEASE, lease)).await?))
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize> {
        let swept = self.run(sqlx::query(SWEEP).bind(Moment(now)).bind(number(limit))).await?;
        Ok(usize::try_from(swept).unwrap_or(limit))
    }
}

/// Whether a lease still holds; if it does, nobody can take it away before the transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, lease: &Lease) -> Result<Settled, Fault> {
    let row = fenced(LOCK, lease).fetch_optional(conn).await?;
    Ok(settled(u64::from(row.is_some())))
}

/// Keeps an answer within the transaction of the effects that it tells of.
pub(super) async fn complete(
    conn: &mut PgConnection,
    lease: &Lease,
    answer: &Answer,
    keep_until: Timestamp,
) -> Result<Settled, Fault> {
    let query = answered(fenced(COMPLETE, lease), answer, keep_until)?;
    Ok(settled(query.execute(conn).await?.rows_affected()))
}

fn fenced<'q>(sql: &'static str, lease: &'q Lease) -> Query<'q> {
    holding(sqlx::query(sql), lease)
}

/// Binds workspace, key and token.
pub(super) fn holding<'q>(query: Query<'q>, lease: &'q Lease) -> Query<'q> {
    let workspace = Uuid::from_bytes(lease.key.workspace.to_bytes());
    query.bind(workspace).bind(lease.key.key.as_str()).bind(&lease.token.0[..])
}

/// Binds status, headers, body, and until when they are kept.
pub(super) fn answered<'q>(query: Query<'q>, answer: &'q Answer, keep_until: Timestamp) -> Result<Query<'q>, Fault> {
    let headers = serde_json::to_string(&answer.headers).map_err(|_| Fault::Column("headers"))?;
    Ok(query.bind(i32::from(answer.status)).bind(headers).bind(&answer.body[..]).bind(Moment(keep_until)))
}

fn settled(rows: u64) -> Settled {
    if rows > 0 { Settled::Kept } else { Settled::Superseded }
}

/// What a live row means for a request.
fn found(row: &PgRow, request: &ClaimRequest) -> Result<Claim, Fault> {
    if Fingerprint::from_bytes(row.bytes(0)?) != request.fingerprint {
        return Ok(Claim::Mismatch);
    }
    let Some(status) = row.at::<Option<i32>>(2)? else {
        let wait = row.time(1)?.duration_since(request.now);
        return Ok(Claim::Busy(Duration::try_from(wait).unwrap_or(Duration::ZERO)));
    };
    let status = u16::try_from(status).map_err(|_| Fault::Column("status"))?;
    let headers = serde_json::from_str(row.at(3)?).map_err(|_| Fault::Column("headers"))?;
    let body: Vec<u8> = row.at(4)?;
    Ok(Claim::Replay(Answer { status, headers, body: Bytes::from(body) }))
}
