//! Making deliveries, and having them owed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use waypost_core::ids::{DeliveryId, WebhookId};
use waypost_core::webhooks::Delivery;

use super::delivery::{self, delivery_columns};
use super::store::SqliteWebhookStore;
use crate::sqlite::bulk::Bulk;
use crate::sqlite::columns::{Columns as _, micros, number};
use crate::sqlite::error::Fault;
use crate::sqlite::wake::Wake;

/// Clause 1 is the unique index and the look for a queue; both hold under the lock that the row is written under.
static MAKE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns =
        "endpoint, epoch, place, ordering, id, type, version, created_at, workspace, subject, traceparent, data";
    let head = format!("WITH d ({columns}) AS (");
    let tail = format!(
        ") INSERT INTO waypost_delivery ({columns}) SELECT {} FROM d \
         WHERE EXISTS (SELECT 1 FROM waypost_webhook_queue q WHERE q.endpoint = d.endpoint) \
         ON CONFLICT DO NOTHING RETURNING number, endpoint, id",
        delivery_columns!()
    );
    Bulk::new(&head, delivery::VALUES, &tail)
});
static OWE: LazyLock<Bulk> = LazyLock::new(|| {
    let head = "INSERT INTO waypost_delivery_owed (tried, number, endpoint, due_at, place, ordering, day)";
    Bulk::new(head, 7, "")
});
/// Those that are the first of their key are due.
static HEADS: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = ") UPDATE waypost_delivery_owed AS o SET due_at = m.due_at FROM made m WHERE o.number = m.number \
                AND NOT EXISTS (SELECT 1 FROM waypost_delivery_owed k \
                WHERE k.endpoint = o.endpoint AND k.ordering = o.ordering AND k.place < o.place)";
    Bulk::new("WITH made (number, due_at) AS (", 2, tail)
});
static DAYS: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = "ON CONFLICT (day) DO UPDATE SET owed = owed + excluded.owed";
    Bulk::new("INSERT INTO waypost_delivery_day (day, owed)", 2, tail)
});
/// When there is something to do for a queue: when the first of it is due, and its pause is over.
macro_rules! first_due {
    ($endpoint:literal, $paused_until:literal) => {
        concat!(
            "(SELECT max(f.due_at, coalesce(",
            $paused_until,
            ", f.due_at)) FROM waypost_delivery_owed f WHERE f.endpoint = ",
            $endpoint,
            " AND f.due_at IS NOT NULL ORDER BY f.due_at LIMIT 1)"
        )
    };
}
pub(super) use first_due;

static DUE_AT: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = concat!(
        ") UPDATE waypost_webhook_queue AS q SET due_at = ",
        first_due!("q.endpoint", "q.paused_until"),
        " WHERE q.endpoint IN (SELECT endpoint FROM changed)"
    );
    Bulk::new("WITH changed (endpoint) AS (", 1, tail)
});

/// A delivery that is to be owed.
pub(super) struct Owed {
    pub(super) number: i64,
    pub(super) endpoint: WebhookId,
    pub(super) id: DeliveryId,
    pub(super) place: i64,
    pub(super) ordering: Option<String>,
}

impl SqliteWebhookStore {
    pub(super) async fn make(&self, deliveries: &[Delivery], now: Timestamp) -> Result<usize, Fault> {
        if deliveries.is_empty() {
            return Ok(0);
        }
        let mut tx = self.db.write().await?;
        let rows = MAKE.fetch(&mut tx, deliveries, delivery::bind).await?;
        let by_id: HashMap<_, _> = deliveries.iter().map(|one| ((one.endpoint, one.id()), one)).collect();
        let mut owed = Vec::with_capacity(rows.len());
        for row in &rows {
            let endpoint = WebhookId::from_bytes(row.bytes(1)?);
            let id = DeliveryId::from_bytes(row.bytes(2)?);
            let made = by_id.get(&(endpoint, id)).ok_or(Fault::Column("of a delivery"))?;
            let (place, ordering) = (number(made.position.offset), made.ordering.clone());
            owed.push(Owed { number: row.at(0)?, endpoint, id, place, ordering });
        }
        if owed.is_empty() {
            return Ok(0);
        }
        owe(&mut tx, &owed, now).await?;
        tx.wakes(Wake::QUEUES);
        tx.commit().await?;
        Ok(owed.len())
    }
}

/// Has deliveries owed that are not: at once, or as soon as no earlier one of its key is.
pub(super) async fn owe(conn: &mut SqliteConnection, owed: &[Owed], now: Timestamp) -> Result<(), Fault> {
    let now = micros(now);
    let insert = OWE.execute(conn, owed, |query, one| {
        query
            .bind(0)
            .bind(one.number)
            .bind(one.endpoint.to_bytes().to_vec())
            .bind(one.ordering.is_none().then_some(now))
            .bind(one.place)
            .bind(one.ordering.clone())
            .bind(delivery::day(one.id))
    });
    insert.await?;
    let keyed: Vec<_> = owed.iter().filter(|one| one.ordering.is_some()).collect();
    HEADS.execute(conn, &keyed, |query, one| query.bind(one.number).bind(now)).await?;
    let mut days = BTreeMap::new();
    for one in owed {
        *days.entry(delivery::day(one.id)).or_default() += 1;
    }
    count(conn, days).await?;
    look_again(conn, owed.iter().map(|one| one.endpoint).collect()).await
}

/// Counts by how many more, or fewer, are owed of days.
pub(super) async fn count(conn: &mut SqliteConnection, days: BTreeMap<i64, i64>) -> Result<(), Fault> {
    let days: Vec<_> = days.into_iter().collect();
    DAYS.execute(conn, &days, |query, (day, owed)| query.bind(*day).bind(*owed)).await?;
    Ok(())
}

/// Notes when there is something to do for queues.
pub(super) async fn look_again(conn: &mut SqliteConnection, endpoints: BTreeSet<WebhookId>) -> Result<(), Fault> {
    let endpoints: Vec<_> = endpoints.into_iter().collect();
    DUE_AT.execute(conn, &endpoints, |query, one| query.bind(one.to_bytes().to_vec())).await?;
    Ok(())
}
