//! Having deliveries owed.

use jiff::Timestamp;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;
use waypost_core::ids::WebhookId;

use crate::postgres::columns::{Columns as _, Moment};
use crate::postgres::error::Fault;

/// Queues, in the order that all locks are taken in; and whether what is due at `$2` is earlier than the row says.
pub(in crate::postgres) const LOCK: &str = "SELECT endpoint, due_at > greatest($2, coalesce(paused_until, '-infinity')) \
    OR floor_at >= $2 FROM waypost_webhook_queue WHERE endpoint = ANY($1) ORDER BY endpoint FOR UPDATE";
/// From where looks begin is taken back with what is due.
const LOWER: &str = "UPDATE waypost_webhook_queue \
    SET due_at = least(due_at, greatest($2, coalesce(paused_until, '-infinity'))), \
    floor_place = CASE WHEN floor_at >= $2 THEN 0 ELSE floor_place END, floor_at = least(floor_at, $2) \
    WHERE endpoint = ANY($1)";

/// Has what the step `made` gives owed at `$1`: endpoint, id, created_at, place and ordering.
macro_rules! owe {
    () => {
        "INSERT INTO waypost_delivery_owed (created_at, id, endpoint, due_at, place, tried, ordering) \
         SELECT created_at, id, endpoint, $1::timestamptz, place, 0, NULL FROM made ON CONFLICT DO NOTHING"
    };
}
pub(super) use owe;

/// The same, where some have an ordering key: they are behind an earlier one of it, here or among what is owed already.
macro_rules! owe_in_order {
    () => {
        "INSERT INTO waypost_delivery_owed (created_at, id, endpoint, due_at, place, tried, ordering) \
         SELECT created_at, id, endpoint, CASE WHEN key IS NOT NULL AND (place > min(place) OVER (PARTITION BY endpoint, key) \
         OR EXISTS (SELECT FROM waypost_delivery_owed AS had WHERE had.endpoint = keyed.endpoint \
         AND had.ordering = keyed.key AND had.place < keyed.place)) THEN 'infinity' ELSE $1::timestamptz END, \
         place, 0, key FROM (SELECT *, hashtextextended(ordering, 0) AS key FROM made) AS keyed ON CONFLICT DO NOTHING"
    };
}
pub(super) use owe_in_order;

/// Queues that are locked, and those of them whose rows say that nothing is due so early.
#[derive(Debug, Default)]
pub(super) struct Locked {
    /// Those that are there.
    pub(super) endpoints: Vec<Uuid>,
    late: Vec<Uuid>,
}

/// Locks the queues of these endpoints, to have something owed to them at `now`.
pub(super) async fn lock(
    conn: &mut PgConnection,
    endpoints: impl Iterator<Item = WebhookId>,
    now: Timestamp,
) -> Result<Locked, Fault> {
    let mut endpoints: Vec<_> = endpoints.map(WebhookId::to_uuid).collect();
    endpoints.sort_unstable();
    endpoints.dedup();
    let rows = sqlx::query(LOCK).bind(endpoints).bind(Moment(now)).fetch_all(conn).await?;
    let mut locked = Locked::default();
    let mut note = |row: &PgRow| {
        let endpoint = row.at(0)?;
        locked.endpoints.push(endpoint);
        if row.at(1)? {
            locked.late.push(endpoint);
        }
        Ok::<_, Fault>(())
    };
    rows.iter().try_for_each(&mut note)?;
    Ok(locked)
}

impl Locked {
    /// Whether the queue is there.
    pub(super) fn has(&self, endpoint: WebhookId) -> bool {
        self.endpoints.binary_search(&endpoint.to_uuid()).is_ok()
    }

    /// Notes that something may be due at `now`.
    pub(super) async fn note_due(&self, conn: &mut PgConnection, now: Timestamp) -> Result<(), Fault> {
        if !self.late.is_empty() {
            sqlx::query(LOWER).bind(&self.late).bind(Moment(now)).execute(conn).await?;
        }
        Ok(())
    }
}
