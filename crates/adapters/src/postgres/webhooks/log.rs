//! What became of deliveries.

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use waypost_core::ids::{DeliveryId, WebhookId, WorkspaceId};
use waypost_core::page::Page;
use waypost_core::webhooks::{Attempt, DeliveryQuery, DeliveryRecord, DeliveryStatus, Measures};

use super::gate;
use super::record::{self, attempt_columns, records};
use crate::postgres::columns::{Columns as _, Moment, number};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;

/// The endpoint `$2` of the workspace `$1`.
macro_rules! is_there {
    () => {
        "EXISTS (SELECT FROM waypost_webhook WHERE workspace = $1 AND id = $2)"
    };
}
/// Up to `$7` rows up to the id `$3`, of the type `$4`, made between `$5` and `$6`. What is told of a moment is said in a
/// way that passes over the days that it excludes.
macro_rules! page {
    ($from:literal, $row:literal, $and:literal) => {
        records!(concat!(
            "SELECT delivery.* FROM ",
            $from,
            " WHERE ",
            is_there!(),
            " AND ",
            $row,
            ".endpoint = $2 AND ",
            $row,
            ".id <= $3 AND ",
            $row,
            ".created_at > coalesce($5::timestamptz, '-infinity') AND ",
            $row,
            ".created_at < coalesce($6::timestamptz, 'infinity') AND ($4::text IS NULL OR delivery.type = $4)",
            $and,
            " ORDER BY ",
            $row,
            ".id DESC LIMIT $7"
        ))
    };
}
pub(in crate::postgres) const ALL: &str = page!("waypost_delivery AS delivery", "delivery", "");
pub(in crate::postgres) const DELIVERED: &str = page!(
    "waypost_delivery AS delivery",
    "delivery",
    " AND NOT EXISTS (SELECT FROM waypost_delivery_owed AS owed WHERE owed.created_at = delivery.created_at \
     AND owed.id = delivery.id AND owed.endpoint = delivery.endpoint) AND NOT EXISTS (SELECT \
     FROM waypost_delivery_failed AS failed WHERE failed.endpoint = delivery.endpoint AND failed.id = delivery.id \
     AND failed.created_at = delivery.created_at)"
);
/// Few have failed of many, so those are where it begins.
pub(in crate::postgres) const FAILED: &str = page!(
    "waypost_delivery_failed AS failed JOIN waypost_delivery AS delivery ON delivery.endpoint = failed.endpoint \
     AND delivery.id = failed.id AND delivery.created_at = failed.created_at",
    "failed",
    ""
);
/// As with those that have failed. What is owed has no index by its id, which every delivery would have to pay for: all
/// that is owed to the endpoint is sorted, and the deliveries of the first are looked up. (Moments are compared in a way
/// that no index serves: the one by moments would read what is owed to everybody.)
pub(in crate::postgres) const WAITING: &str = page!(
    "(SELECT * FROM waypost_delivery_owed WHERE endpoint = $2 AND id <= $3 \
     AND CASE WHEN created_at > coalesce($5::timestamptz, '-infinity') \
     THEN created_at < coalesce($6::timestamptz, 'infinity') END \
     ORDER BY id DESC LIMIT CASE WHEN $4::text IS NULL THEN $7::int8 END) AS owed \
     JOIN waypost_delivery AS delivery ON delivery.endpoint = owed.endpoint AND delivery.id = owed.id \
     AND delivery.created_at = owed.created_at",
    "owed",
    ""
);
/// Where there is much to sort, most of the newest deliveries are among it.
pub(in crate::postgres) const MANY_WAITING: &str = page!(
    "waypost_delivery AS delivery",
    "delivery",
    " AND EXISTS (SELECT FROM waypost_delivery_owed AS owed WHERE owed.created_at = delivery.created_at \
     AND owed.id = delivery.id AND owed.endpoint = delivery.endpoint)"
);
pub(in crate::postgres) const ARE_MANY: &str =
    "SELECT count(*) > $2 FROM (SELECT FROM waypost_delivery_owed WHERE endpoint = $1 LIMIT $2 + 1) AS counted";
/// What is sorted for a page: some 20 ms of work.
const MANY: i64 = 20_000;
/// On which day is not known: the index of each is asked.
pub(in crate::postgres) const ONE: &str = records!(concat!(
    "SELECT delivery.* FROM waypost_delivery AS delivery WHERE ",
    is_there!(),
    " AND delivery.endpoint = $2 AND delivery.id = $3"
));
pub(in crate::postgres) const ATTEMPTS: &str = concat!(
    "SELECT ",
    attempt_columns!(),
    " FROM waypost_attempt WHERE endpoint = $1 AND id = $2 AND created_at = $3 ORDER BY at, number"
);
pub(in crate::postgres) const MEASURE: &str = concat!(
    "SELECT succeeded, failed, durations FROM waypost_webhook_hour WHERE ",
    is_there!(),
    " AND endpoint = $2 AND hour >= $3"
);

/// One page of an endpoint's deliveries.
pub(super) async fn page(db: &Postgres, asked: &DeliveryQuery) -> Result<Page<DeliveryRecord, DeliveryId>, Fault> {
    // Up to the one before, so that the first page asks alike.
    let last = match asked.after {
        Some(after) => u128::from_be_bytes(after.to_bytes()).checked_sub(1),
        None => Some(u128::MAX),
    };
    let Some(last) = last else {
        return Ok(Page { rows: Vec::new(), next: None });
    };
    let mut tx = gate::begin(db).await?;
    let sql = match asked.status {
        None => ALL,
        Some(DeliveryStatus::Waiting) if are_many(&mut tx, asked.endpoint).await? => MANY_WAITING,
        Some(DeliveryStatus::Waiting) => WAITING,
        Some(DeliveryStatus::Delivered) => DELIVERED,
        Some(DeliveryStatus::Failed) => FAILED,
    };
    let query = sqlx::query(sql)
        .bind(asked.workspace.to_uuid())
        .bind(asked.endpoint.to_uuid())
        .bind(Uuid::from_u128(last))
        .bind(asked.kind.as_ref().map(|kind| kind.as_str()))
        .bind(asked.created_after.map(Moment))
        .bind(asked.created_before.map(Moment))
        .bind(number(asked.limit.get() + 1));
    let rows = query.fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let records = rows.iter().map(record::record).collect::<Result<_, _>>()?;
    Ok(Page::cut(records, asked.limit, |record: &DeliveryRecord| record.delivery.id()))
}

async fn are_many(conn: &mut PgConnection, endpoint: WebhookId) -> Result<bool, Fault> {
    sqlx::query(ARE_MANY).bind(endpoint.to_uuid()).bind(MANY).fetch_one(conn).await?.at(0)
}

/// One delivery, with its calls.
pub(super) async fn one(
    db: &Postgres,
    workspace: WorkspaceId,
    endpoint: WebhookId,
    id: DeliveryId,
) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>, Fault> {
    let query = sqlx::query(ONE).bind(workspace.to_uuid()).bind(endpoint.to_uuid()).bind(id.to_uuid());
    let mut tx = gate::begin(db).await?;
    let found = match query.fetch_optional(&mut *tx).await? {
        Some(row) => {
            let record = record::record(&row)?;
            let attempts = attempts(&mut tx, &record).await?;
            Some((record, attempts))
        }
        None => None,
    };
    tx.commit().await?;
    Ok(found)
}

async fn attempts(conn: &mut PgConnection, record: &DeliveryRecord) -> Result<Vec<Attempt>, Fault> {
    let delivery = &record.delivery;
    let query = sqlx::query(ATTEMPTS)
        .bind(delivery.endpoint.to_uuid())
        .bind(delivery.id().to_uuid())
        .bind(Moment(delivery.event.created_at));
    query.fetch_all(conn).await?.iter().map(|row| record::attempt(row, 0)).collect()
}

/// What was measured of an endpoint's calls.
pub(super) async fn measure(
    db: &Postgres,
    workspace: WorkspaceId,
    endpoint: WebhookId,
    since: Timestamp,
) -> Result<Measures, Fault> {
    let query = sqlx::query(MEASURE).bind(workspace.to_uuid()).bind(endpoint.to_uuid()).bind(Moment(since));
    let mut conn = db.connection().await?;
    let rows = query.fetch_all(&mut *conn).await?;
    let mut sum = Measures::default();
    for row in conn.done(rows) {
        let mut hour = Measures { succeeded: row.count(0)?, failed: row.count(1)?, ..Measures::default() };
        for (class, count) in hour.durations.iter_mut().zip(row.at::<Vec<i64>>(2)?) {
            *class = count.try_into().map_err(|_| Fault::Column("durations"))?;
        }
        sum.add(&hour);
    }
    Ok(sum)
}
