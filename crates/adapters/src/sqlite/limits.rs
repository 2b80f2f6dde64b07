//! Rate limits in SQLite.

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::limits::{Decision, Policy, RateLimiter, State};

use super::columns::{Columns as _, micros};
use super::database::Sqlite;
use super::error::Fault;

const READ: &str = "SELECT state FROM waypost_limit WHERE policy = ?1 AND key = ?2";
/// Each admission forgets two states that say nothing any more, so they cannot pile up.
const KEEP: &str = "INSERT INTO waypost_limit (policy, key, state, over_at) VALUES (?1, ?2, ?3, ?4) \
    ON CONFLICT (policy, key) DO UPDATE SET state = excluded.state, over_at = excluded.over_at; \
    DELETE FROM waypost_limit WHERE (policy, key) IN \
    (SELECT policy, key FROM waypost_limit WHERE over_at <= ?5 ORDER BY over_at LIMIT 2)";

/// Counts for every process that has the file open.
///
/// Each admission is a durable write. Where one process serves, a limiter in memory costs a thousandth of that, and a
/// restart that forgives what was counted harms nobody.
#[derive(Clone, Debug)]
pub struct SqliteRateLimiter {
    db: Sqlite,
}

impl SqliteRateLimiter {
    /// The limiter that counts in `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    async fn take(&self, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Result<Decision, Fault> {
        let mut tx = self.db.write().await?;
        let row = sqlx::query(READ).bind(policy.name()).bind(key).fetch_optional(&mut *tx).await?;
        // Bytes of another form are those of another version: as if there were none.
        let state = row.map(|row| row.at::<Vec<u8>>(0)).transpose()?.and_then(|bytes| State::from_bytes(&bytes));
        let (state, decision) = policy.decide(state.as_ref(), cost, now);
        // What was denied took nothing, so there is nothing to keep.
        if let Decision::Allow(standing) = decision {
            let over_at = now.saturating_add(standing.reset).unwrap_or(Timestamp::MAX);
            sqlx::query(KEEP)
                .bind(policy.name())
                .bind(key)
                .bind(state.to_bytes())
                .bind(micros(over_at).saturating_add(1))
                .bind(micros(now))
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        }
        Ok(decision)
    }
}

#[async_trait]
impl RateLimiter for SqliteRateLimiter {
    async fn decide(&self, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Result<Decision> {
        Ok(self.take(policy, key, cost, now).await?)
    }
}
