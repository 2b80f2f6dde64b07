//! Claims and answers in SQLite.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use waypost_core::Result;
use waypost_core::idempotency::{Answer, Claim, ClaimRequest, Fingerprint, IdempotencyStore, Lease, Settled};

use super::columns::{Columns as _, Query, micros, number};
use super::database::Sqlite;
use super::error::Fault;

const STANDING: &str = "SELECT fingerprint, over_at, status, headers, body FROM waypost_idempotency \
    WHERE workspace = ?1 AND key = ?2";
/// Takes the key if nothing that is not over stands for it.
const GRANT: &str = "INSERT INTO waypost_idempotency (workspace, key, fingerprint, token, over_at) \
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (workspace, key) DO UPDATE SET fingerprint = excluded.fingerprint, \
    token = excluded.token, over_at = excluded.over_at, status = NULL, headers = NULL, body = NULL WHERE over_at <= ?6";
/// Fenced: the token is of this lease, and nothing was answered under it yet.
const COMPLETE: &str = "UPDATE waypost_idempotency SET status = ?4, headers = ?5, body = ?6, over_at = ?7 \
    WHERE workspace = ?1 AND key = ?2 AND token = ?3 AND status IS NULL";
const HELD: &str =
    "SELECT 1 FROM waypost_idempotency WHERE workspace = ?1 AND key = ?2 AND token = ?3 AND status IS NULL";
const RELEASE: &str =
    "DELETE FROM waypost_idempotency WHERE workspace = ?1 AND key = ?2 AND token = ?3 AND status IS NULL";
const RELEASE_ABANDONED: &str = "DELETE FROM waypost_idempotency WHERE status IS NULL";
const SWEEP: &str = "DELETE FROM waypost_idempotency WHERE (workspace, key) IN \
    (SELECT workspace, key FROM waypost_idempotency WHERE over_at <= ?1 ORDER BY over_at LIMIT ?2)";

/// Keeps claims and answers in SQLite.
#[derive(Clone, Debug)]
pub struct SqliteIdempotencyStore {
    db: Sqlite,
}

impl SqliteIdempotencyStore {
    /// The claims and answers in `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    /// Gives back every key whose request was not answered. Only for who knows that no process carries one out: a
    /// server that has just locked its data directory. What it was killed with need not wait for its leases to end.
    ///
    /// # Errors
    /// [`Unavailable`](waypost_core::Kind::Unavailable) when the file cannot be written.
    pub async fn release_abandoned(&self) -> Result<u64> {
        let released: Result<_, Fault> = async {
            let mut tx = self.db.write().await?;
            let released = sqlx::query(RELEASE_ABANDONED).execute(&mut *tx).await?.rows_affected();
            tx.commit().await?;
            Ok(released)
        }
        .await;
        Ok(released?)
    }

    async fn grant(&self, request: &ClaimRequest) -> Result<Claim, Fault> {
        let over_at = request.now.saturating_add(request.lease).unwrap_or(Timestamp::MAX);
        let mut tx = self.db.write().await?;
        let granted = sqlx::query(GRANT)
            .bind(&request.key.workspace.to_bytes()[..])
            .bind(request.key.key.as_str())
            .bind(&request.fingerprint.to_bytes()[..])
            .bind(&request.token.0[..])
            .bind(micros(over_at))
            .bind(micros(request.now))
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if granted > 0 {
            tx.commit().await?;
            return Ok(Claim::Granted(request.lease()));
        }
        // Under the same lock, so what stood in the way is still there.
        let row = sqlx::query(STANDING)
            .bind(&request.key.workspace.to_bytes()[..])
            .bind(request.key.key.as_str())
            .fetch_one(&mut *tx)
            .await?;
        found(&row, request)
    }

    async fn settle(
        &self,
        settle: impl AsyncFnOnce(&mut SqliteConnection) -> Result<Settled, Fault>,
    ) -> Result<Settled, Fault> {
        let mut tx = self.db.write().await?;
        let settled = settle(&mut tx).await?;
        tx.commit().await?;
        Ok(settled)
    }
}

#[async_trait]
impl IdempotencyStore for SqliteIdempotencyStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim> {
        Ok(self.grant(request).await?)
    }

    async fn complete(&self, lease: &Lease, answer: &Answer, keep_until: Timestamp) -> Result<Settled> {
        Ok(self.settle(async |conn| complete(conn, lease, answer, keep_until).await).await?)
    }

    async fn release(&self, lease: &Lease) -> Result<Settled> {
        Ok(self.settle(async |conn| release(conn, lease).await).await?)
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize> {
        let swept: Result<_, Fault> = async {
            let mut tx = self.db.write().await?;
            let query = sqlx::query(SWEEP).bind(micros(now)).bind(number(limit));
            let swept = query.execute(&mut *tx).await?.rows_affected();
            tx.commit().await?;
            Ok(usize::try_from(swept).unwrap_or(limit))
        }
        .await;
        Ok(swept?)
    }
}

/// Keeps an answer within the transaction of the effects that it tells of.
pub(super) async fn complete(
    conn: &mut SqliteConnection,
    lease: &Lease,
    answer: &Answer,
    keep_until: Timestamp,
) -> Result<Settled, Fault> {
    let headers = serde_json::to_string(&answer.headers).map_err(|_| Fault::Column("headers"))?;
    let query = fenced(COMPLETE, lease)
        .bind(i64::from(answer.status))
        .bind(headers)
        .bind(&answer.body[..])
        .bind(micros(keep_until));
    Ok(settled(query.execute(conn).await?.rows_affected()))
}

/// Whether a lease still holds, for effects that leave no answer.
pub(super) async fn held(conn: &mut SqliteConnection, lease: &Lease) -> Result<Settled, Fault> {
    let row = fenced(HELD, lease).fetch_optional(conn).await?;
    Ok(settled(u64::from(row.is_some())))
}

async fn release(conn: &mut SqliteConnection, lease: &Lease) -> Result<Settled, Fault> {
    Ok(settled(fenced(RELEASE, lease).execute(conn).await?.rows_affected()))
}

/// A statement whose first three values are the lease.
fn fenced<'q>(sql: &'static str, lease: &Lease) -> Query<'q> {
    sqlx::query(sql).bind(&lease.key.workspace.to_bytes()[..]).bind(lease.key.key.as_str()).bind(&lease.token.0[..])
}

fn settled(rows: u64) -> Settled {
    if rows > 0 { Settled::Kept } else { Settled::Superseded }
}

/// What a live row means for a request.
fn found(row: &SqliteRow, request: &ClaimRequest) -> Result<Claim, Fault> {
    if Fingerprint::from_bytes(row.bytes(0)?) != request.fingerprint {
        return Ok(Claim::Mismatch);
    }
    let Some(status) = row.at::<Option<u16>>(2)? else {
        let wait = row.time(1)?.duration_since(request.now);
        return Ok(Claim::Busy(Duration::try_from(wait).unwrap_or(Duration::ZERO)));
    };
    let headers = serde_json::from_str(row.at(3)?).map_err(|_| Fault::Column("headers"))?;
    let body: Vec<u8> = row.at(4)?;
    Ok(Claim::Replay(Answer { status, headers, body: Bytes::from(body) }))
}
