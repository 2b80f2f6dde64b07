//! Leasing queues, and reading what is due in them.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use waypost_core::ids::WebhookId;
use waypost_core::webhooks::{Claimed, Due, Held, Room};

use super::delivery::{self, delivery_columns};
use super::endpoint::{self, endpoint_columns, standing_columns};
use super::store::SqliteWebhookStore;
use crate::sqlite::bulk::Bulk;
use crate::sqlite::columns::{Columns as _, Query, micros, number};
use crate::sqlite::error::Fault;

/// Those that nobody holds and in which something is due, the longest first. Those that are held are passed over, and are
/// as many as all dispatchers hold together.
macro_rules! claimable {
    () => {
        "SELECT endpoint FROM waypost_webhook_queue WHERE due_at <= ?1 \
         AND (leased_until IS NULL OR leased_until <= ?1) ORDER BY due_at, endpoint LIMIT ?2"
    };
}
pub(super) const LOOK: &str = claimable!();
pub(super) const CLAIM: &str = concat!(
    "UPDATE waypost_webhook_queue SET leased_until = ?3, token = token + 1 WHERE endpoint IN (",
    claimable!(),
    ") RETURNING due_at, endpoint, token"
);
static RENEW: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = ") UPDATE waypost_webhook_queue AS q SET leased_until = h.until FROM held h \
                WHERE q.endpoint = h.endpoint AND q.token = h.token AND q.leased_until IS NOT NULL RETURNING endpoint";
    Bulk::new("WITH held (endpoint, token, until) AS (", 3, tail)
});
static QUEUES: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = concat!(
        ") SELECT ",
        endpoint_columns!(),
        ", ",
        standing_columns!(),
        " FROM held h CROSS JOIN waypost_webhook_queue q ON q.endpoint = h.endpoint AND q.token = h.token \
         CROSS JOIN waypost_webhook e ON e.workspace = q.workspace AND e.id = q.endpoint"
    );
    Bulk::new("WITH held (endpoint, token) AS (", 2, tail)
});
pub(super) const DUE: &str = concat!(
    "SELECT o.tried, ",
    delivery_columns!(),
    " FROM waypost_delivery_owed o CROSS JOIN waypost_delivery d ON d.number = o.number \
     WHERE o.endpoint = ?1 AND o.due_at <= ?2 ORDER BY o.due_at, o.place LIMIT ?3"
);

impl SqliteWebhookStore {
    pub(super) async fn take(&self, room: Room, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>, Fault> {
        // An idle dispatcher looks often; looking keeps nobody from writing.
        let look = sqlx::query(LOOK).bind(micros(now)).bind(number(room.queues.min(1)));
        if look.fetch_optional(&mut *self.db.read().await?).await?.is_none() {
            return Ok(Vec::new());
        }
        let claim = sqlx::query(CLAIM).bind(micros(now)).bind(number(room.queues)).bind(until(now, lease));
        let mut tx = self.db.write().await?;
        let rows = claim.fetch_all(&mut *tx).await?;
        tx.commit().await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in &rows {
            let endpoint = WebhookId::from_bytes(row.bytes(1)?);
            taken.push((row.time(0)?, Held { endpoint, token: row.count(2)?, want: room.each }));
        }
        // SQLite returns rows in no promised order.
        taken.sort_by_key(|(due_at, held)| (*due_at, held.endpoint));
        self.read_on(&taken.into_iter().map(|(_, held)| held).collect::<Vec<_>>(), now).await
    }

    pub(super) async fn renew(&self, held: &[Held], now: Timestamp, lease: Duration) -> Result<Vec<Claimed>, Fault> {
        let until = until(now, lease);
        let mut tx = self.db.write().await?;
        let rows = RENEW.fetch(&mut tx, held, |query, held| bind_held(query, held).bind(until)).await?;
        tx.commit().await?;
        let mut kept = Vec::with_capacity(rows.len());
        for row in &rows {
            kept.push(WebhookId::from_bytes(row.bytes(0)?));
        }
        let still: Vec<_> = held.iter().filter(|held| kept.contains(&held.endpoint)).copied().collect();
        self.read_on(&still, now).await
    }

    /// What queues that are held have due. After the commit: nobody else may settle what is in them, and readers hold up
    /// no writer.
    async fn read_on(&self, held: &[Held], now: Timestamp) -> Result<Vec<Claimed>, Fault> {
        let mut conn = self.db.read().await?;
        let mut found = HashMap::with_capacity(held.len());
        for row in QUEUES.fetch(&mut conn, held, bind_held).await? {
            let (endpoint, standing) = (endpoint::read(&row, 0)?, endpoint::read_standing(&row, 0)?);
            found.insert(endpoint.id, (endpoint, standing));
        }
        let mut claimed = Vec::with_capacity(held.len());
        for held in held {
            let Some((endpoint, standing)) = found.remove(&held.endpoint) else { continue };
            let due = due(&mut conn, held, now).await?;
            claimed.push(Claimed { endpoint, token: held.token, standing, due });
        }
        Ok(claimed)
    }
}

async fn due(conn: &mut SqliteConnection, held: &Held, now: Timestamp) -> Result<Vec<Due>, Fault> {
    let query = sqlx::query(DUE).bind(held.endpoint.to_bytes().to_vec()).bind(micros(now)).bind(number(held.want));
    let rows = query.fetch_all(conn).await?;
    rows.iter().map(|row| Ok(Due { attempts: row.at(0)?, delivery: delivery::read(row, 1)? })).collect()
}

fn bind_held<'q>(query: Query<'q>, held: &Held) -> Query<'q> {
    query.bind(held.endpoint.to_bytes().to_vec()).bind(number(held.token))
}

fn until(now: Timestamp, lease: Duration) -> i64 {
    micros(now.saturating_add(lease).unwrap_or(Timestamp::MAX))
}
