//! Forgetting: days that have ended, and what is left of endpoints that were deleted.
//!
//! SQLite has no partitions to drop. A table a day would come close to one, and would cost every statement here its text:
//! each would be written anew for the tables of the moment, and lose its plan whenever one comes or goes. So rows go in
//! batches, each a transaction of its own that others stand behind in line for some milliseconds at most. What is forgotten
//! at once is still the day: whether it may go is one counter, and it is found as a range of ids.

use std::sync::LazyLock;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use waypost_core::ids::{WebhookId, WorkspaceId};

use super::delivery::first_of;
use super::store::SqliteWebhookStore;
use crate::sqlite::bulk::Bulk;
use crate::sqlite::columns::{Columns as _, Query};
use crate::sqlite::error::Fault;

/// How many rows are removed in one transaction: some milliseconds, which is what a group of writes takes as well.
const BATCH: usize = 1_000;

pub(super) const DELETE: &str = "DELETE FROM waypost_webhook WHERE workspace = ?1 AND id = ?2";
const DELETE_QUEUE: &str = "DELETE FROM waypost_webhook_queue WHERE endpoint = ?1";
const GONE: &str = "INSERT INTO waypost_webhook_gone (endpoint) VALUES (?1) ON CONFLICT DO NOTHING";
/// What was owed to it is owed no more; the rows follow.
const UNCOUNT: &str = "UPDATE waypost_delivery_day AS y SET owed = y.owed - n.owed FROM \
    (SELECT day, count(*) AS owed FROM waypost_delivery_owed WHERE endpoint = ?1 GROUP BY day) n WHERE n.day = y.day";
pub(super) const LEFT: &str = "SELECT number FROM waypost_delivery WHERE endpoint = ?1 LIMIT ?2";
const LEFT_HOURS: &str = "DELETE FROM waypost_webhook_hour WHERE endpoint = ?1";
const GONE_FOR_GOOD: &str = "DELETE FROM waypost_webhook_gone WHERE endpoint = ?1";
const ALL_GONE: &str = "SELECT endpoint FROM waypost_webhook_gone";

pub(super) const ENDED: &str = "SELECT day FROM waypost_delivery_day WHERE day < ?1 AND owed = 0 ORDER BY day LIMIT 1";
pub(super) const OF_DAY: &str = "SELECT d.number FROM waypost_webhook_queue q CROSS JOIN waypost_delivery d \
    ON d.endpoint = q.endpoint AND d.id >= ?1 AND d.id < ?2 LIMIT ?3";
const DAY_GONE: &str = "DELETE FROM waypost_delivery_day WHERE day = ?1";
pub(super) const OLD_HOURS: &str = "DELETE FROM waypost_webhook_hour WHERE (endpoint, hour, class) IN \
    (SELECT h.endpoint, h.hour, h.class FROM waypost_webhook_queue q CROSS JOIN waypost_webhook_hour h \
    ON h.endpoint = q.endpoint AND h.hour < ?1 LIMIT ?2)";

/// For how long a deletion goes on to remove what belonged to the endpoint.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

static ATTEMPTS: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("DELETE FROM waypost_attempt WHERE delivery IN (", 1, ")"));
static FAILED: LazyLock<Bulk> = LazyLock::new(|| {
    let head = "DELETE FROM waypost_delivery_failed WHERE (endpoint, id) IN \
                (SELECT endpoint, id FROM waypost_delivery WHERE number IN (";
    Bulk::new(head, 1, "))")
});
static OWED: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("DELETE FROM waypost_delivery_owed WHERE number IN (", 1, ")"));
static DELIVERIES: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("DELETE FROM waypost_delivery WHERE number IN (", 1, ")"));

impl SqliteWebhookStore {
    /// Deletes an endpoint. From the first commit on nothing of it is seen; what is left is removed in batches, by the
    /// next to forget if this caller goes away.
    pub(super) async fn delete(&self, workspace: WorkspaceId, endpoint: WebhookId) -> Result<bool, Fault> {
        let id = endpoint.to_bytes();
        let mut tx = self.db.write().await?;
        let delete = sqlx::query(DELETE).bind(workspace.to_bytes().to_vec()).bind(&id[..]);
        if delete.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        for sql in [DELETE_QUEUE, UNCOUNT, GONE] {
            sqlx::query(sql).bind(&id[..]).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        // It is deleted already, and what is left is noted: whoever asked waits for no more than a moment.
        if !matches!(tokio::time::timeout(PATIENCE, self.remove_rest(endpoint)).await, Ok(Ok(()))) {
            tracing::info!(%endpoint, "what belonged to a deleted endpoint is removed later");
        }
        Ok(true)
    }

    /// Removes what is left of an endpoint that is gone.
    pub(super) async fn remove_rest(&self, endpoint: WebhookId) -> Result<(), Fault> {
        let id = endpoint.to_bytes();
        loop {
            let mut tx = self.db.write().await?;
            let left = sqlx::query(LEFT).bind(&id[..]).bind(BATCH as i64);
            let removed = remove(&mut tx, left).await?;
            if removed < BATCH {
                for sql in [LEFT_HOURS, GONE_FOR_GOOD] {
                    sqlx::query(sql).bind(&id[..]).execute(&mut *tx).await?;
                }
            }
            tx.commit().await?;
            if removed < BATCH {
                return Ok(());
            }
        }
    }

    /// Forgets the days that ended by `before` and of which nothing is owed; says how many.
    pub(super) async fn forget(&self, before: Timestamp) -> Result<usize, Fault> {
        let gone = sqlx::query(ALL_GONE).fetch_all(&mut *self.db.read().await?).await?;
        for row in &gone {
            self.remove_rest(WebhookId::from_bytes(row.bytes(0)?)).await?;
        }
        let end = before.as_second().div_euclid(86_400);
        self.forget_hours(end).await?;
        let mut days = 0;
        while let Some(is_whole) = self.forget_some(end).await? {
            days += usize::from(is_whole);
        }
        Ok(days)
    }

    /// Forgets some of the first day before `end` that may go; says whether nothing of it is left.
    async fn forget_some(&self, end: i64) -> Result<Option<bool>, Fault> {
        let mut tx = self.db.write().await?;
        let Some(row) = sqlx::query(ENDED).bind(end).fetch_optional(&mut *tx).await? else { return Ok(None) };
        let day: i64 = row.at(0)?;
        let of_day = sqlx::query(OF_DAY).bind(first_of(day).to_vec()).bind(first_of(day + 1).to_vec());
        let removed = remove(&mut tx, of_day.bind(BATCH as i64)).await?;
        if removed < BATCH {
            sqlx::query(DAY_GONE).bind(day).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(Some(removed < BATCH))
    }

    async fn forget_hours(&self, end: i64) -> Result<(), Fault> {
        let end = end.saturating_mul(86_400_000_000);
        loop {
            let mut tx = self.db.write().await?;
            let old = sqlx::query(OLD_HOURS).bind(end).bind(BATCH as i64);
            let removed = old.execute(&mut *tx).await?.rows_affected();
            tx.commit().await?;
            if removed < BATCH as u64 {
                return Ok(());
            }
        }
    }
}

/// Removes deliveries that are selected, with all that is said of them; says how many.
async fn remove(conn: &mut SqliteConnection, select: Query<'_>) -> Result<usize, Fault> {
    let rows = select.fetch_all(&mut *conn).await?;
    let numbers: Vec<i64> = rows.iter().map(|row| row.at(0)).collect::<Result<_, _>>()?;
    for table in [&ATTEMPTS, &FAILED, &OWED, &DELIVERIES] {
        table.execute(conn, &numbers, |query, number| query.bind(*number)).await?;
    }
    Ok(numbers.len())
}
