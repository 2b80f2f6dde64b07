//! What is owed in all.

use waypost_core::webhooks::DeliveryBacklog;

use super::gate;
use crate::postgres::columns::Columns as _;
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;

/// Up to how many are counted, some 20 ms of work, since every node asks every few seconds. Beyond, there are as many as
/// the table has room for, by what the server last saw of it.
macro_rules! most {
    () => {
        "100000"
    };
}
const COUNT: &str = concat!("SELECT count(*) FROM (SELECT FROM waypost_delivery_owed LIMIT ", most!(), ") AS counted");
const ESTIMATE: &str = concat!(
    "SELECT greatest(",
    most!(),
    ", CASE WHEN relpages > 0 THEN reltuples / relpages * (pg_relation_size(oid) / 8192) END)::int8 \
     FROM pg_class WHERE oid = to_regclass('waypost_delivery_owed')"
);
/// The first of each queue in which anything is due, now or later.
pub(in crate::postgres) const OLDEST: &str = "SELECT min(first.due_at) FROM waypost_webhook_queue AS queue CROSS JOIN LATERAL \
    (SELECT due_at FROM waypost_delivery_owed AS owed WHERE owed.endpoint = queue.endpoint \
    AND (owed.due_at, owed.place) >= (queue.floor_at, queue.floor_place) AND owed.due_at < 'infinity' \
    ORDER BY owed.due_at, owed.place LIMIT 1) AS first WHERE queue.due_at < 'infinity'";

/// Counts what is owed, and looks since when.
pub(super) async fn backlog(db: &Postgres) -> Result<DeliveryBacklog, Fault> {
    let mut conn = db.connection().await?;
    let mut waiting = sqlx::query(COUNT).fetch_one(&mut *conn).await?.count(0)?;
    if Ok(waiting) == most!().parse() {
        waiting = sqlx::query(ESTIMATE).fetch_one(&mut *conn).await?.count(0)?;
    }
    conn.done(());
    let mut tx = gate::begin(db).await?;
    let oldest = sqlx::query(OLDEST).fetch_one(&mut *tx).await?.maybe_time(0)?;
    tx.commit().await?;
    Ok(DeliveryBacklog { waiting, oldest })
}
