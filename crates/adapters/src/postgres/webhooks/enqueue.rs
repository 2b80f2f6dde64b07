//! Enqueuing deliveries.

use jiff::Timestamp;
use waypost_core::webhooks::Delivery;

use super::gate;
use super::owe::{self, owe, owe_in_order};
use crate::postgres::columns::{Columns as _, Moment, number};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;
use crate::postgres::events::row::{self, event_columns};

/// Makes the deliveries that are new, as the step `made`.
macro_rules! enqueue {
    ($owe:expr) => {
        concat!(
            "WITH made AS (INSERT INTO waypost_delivery (",
            event_columns!(),
            ", endpoint, epoch, place, ordering) SELECT * FROM UNNEST($2::uuid[], $3::text[], $4::int4[], \
             $5::timestamptz[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::uuid[], $11::int8[], $12::int8[], \
             $13::text[]) ON CONFLICT DO NOTHING RETURNING endpoint, id, created_at, place, ordering), owed AS (",
            $owe,
            ") SELECT count(*) FROM made"
        )
    };
}
pub(super) const ENQUEUE: &str = enqueue!(owe!());
pub(super) const ENQUEUE_IN_ORDER: &str = enqueue!(owe_in_order!());

/// Makes deliveries and has them owed; says how many are new.
pub(super) async fn enqueue(db: &Postgres, deliveries: &[Delivery], now: Timestamp) -> Result<u64, Fault> {
    let mut tx = gate::begin(db).await?;
    let locked = owe::lock(&mut tx, deliveries.iter().map(|delivery| delivery.endpoint), now).await?;
    let wanted: Vec<_> = deliveries.iter().filter(|delivery| locked.has(delivery.endpoint)).collect();
    if wanted.is_empty() {
        tx.rollback().await?;
        return Ok(0);
    }
    let in_order = wanted.iter().any(|delivery| delivery.ordering.is_some());
    let events: Vec<_> = wanted.iter().map(|delivery| &delivery.event).collect();
    let query = sqlx::query(if in_order { ENQUEUE_IN_ORDER } else { ENQUEUE }).bind(Moment(now));
    let query = row::bind(query, &events)
        .bind(wanted.iter().map(|delivery| delivery.endpoint.to_uuid()).collect::<Vec<_>>())
        .bind(wanted.iter().map(|delivery| delivery.position.epoch.0.cast_signed()).collect::<Vec<_>>())
        .bind(wanted.iter().map(|delivery| number(delivery.position.offset)).collect::<Vec<_>>())
        .bind(wanted.iter().map(|delivery| delivery.ordering.as_deref()).collect::<Vec<_>>());
    let made = query.fetch_one(&mut *tx).await?.count(0)?;
    if made > 0 {
        locked.note_due(&mut tx, now).await?;
    }
    tx.commit().await?;
    Ok(made)
}
