//! Having deliveries owed again.

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use waypost_core::ids::{DeliveryId, WebhookId};
use waypost_core::webhooks::{Redrive, Which};

use super::gate;
use super::owe::{self, owe_in_order};
use crate::postgres::columns::{Columns as _, Moment, number};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;

pub(in crate::postgres) const IS_THERE: &str =
    "SELECT EXISTS (SELECT FROM waypost_webhook WHERE workspace = $1 AND id = $2)";
/// What is owed already is due now, unless it is behind another. Says whether there was one.
pub(in crate::postgres) const DUE_NOW: &str = "UPDATE waypost_delivery_owed AS owed SET tried = 0, \
    due_at = CASE WHEN due_at < 'infinity' THEN $1::timestamptz ELSE due_at END FROM waypost_delivery AS delivery \
    WHERE delivery.endpoint = $2 AND delivery.id = $3 AND owed.created_at = delivery.created_at \
    AND owed.id = delivery.id AND owed.endpoint = delivery.endpoint";

macro_rules! again {
    ($made:literal) => {
        concat!(
            "WITH made AS (",
            $made,
            "), gone AS (DELETE FROM waypost_delivery_failed AS failed USING made WHERE failed.endpoint = made.endpoint \
             AND failed.id = made.id AND failed.created_at = made.created_at), owed AS (",
            owe_in_order!(),
            ") SELECT count(*) FROM made"
        )
    };
}
pub(in crate::postgres) const ONE: &str =
    again!("SELECT endpoint, id, created_at, place, ordering FROM waypost_delivery WHERE endpoint = $2 AND id = $3");
pub(in crate::postgres) const FAILED: &str = again!(
    "SELECT delivery.endpoint, delivery.id, delivery.created_at, place, delivery.ordering \
     FROM waypost_delivery_failed AS failed JOIN waypost_delivery AS delivery ON delivery.endpoint = failed.endpoint \
     AND delivery.id = failed.id AND delivery.created_at = failed.created_at WHERE failed.endpoint = $2 \
     AND ($3::timestamptz IS NULL OR failed.created_at >= $3) AND ($4::timestamptz IS NULL OR failed.created_at < $4) \
     AND (cardinality($5::text[]) = 0 OR type = ANY($5)) AND (cardinality($6::text[]) = 0 OR failure = ANY($6)) \
     ORDER BY failed.id LIMIT $7"
);

/// Has what is selected owed again; says how many.
pub(super) async fn redrive(db: &Postgres, again: &Redrive, limit: usize, now: Timestamp) -> Result<u64, Fault> {
    let endpoint = again.endpoint;
    let mut tx = gate::begin(db).await?;
    let locked = owe::lock(&mut tx, std::iter::once(endpoint), now).await?;
    let query = sqlx::query(IS_THERE).bind(again.workspace.to_uuid()).bind(endpoint.to_uuid());
    if !locked.has(endpoint) || limit == 0 || !query.fetch_one(&mut *tx).await?.at::<bool>(0)? {
        tx.rollback().await?;
        return Ok(0);
    }
    let made = match &again.which {
        Which::One(id) => one(&mut tx, endpoint, *id, now).await?,
        Which::Failed { since, until, types, classes } => {
            let query = sqlx::query(FAILED)
                .bind(Moment(now))
                .bind(endpoint.to_uuid())
                .bind(since.map(Moment))
                .bind(until.map(Moment))
                .bind(types.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
                .bind(classes.iter().map(|class| class.as_str()).collect::<Vec<_>>())
                .bind(number(limit));
            query.fetch_one(&mut *tx).await?.count(0)?
        }
    };
    locked.note_due(&mut tx, now).await?;
    tx.commit().await?;
    Ok(made)
}

async fn one(conn: &mut PgConnection, endpoint: WebhookId, id: DeliveryId, now: Timestamp) -> Result<u64, Fault> {
    let (endpoint, id): (Uuid, Uuid) = (endpoint.to_uuid(), id.to_uuid());
    let owed = sqlx::query(DUE_NOW).bind(Moment(now)).bind(endpoint).bind(id).execute(&mut *conn).await?;
    if owed.rows_affected() > 0 {
        return Ok(owed.rows_affected());
    }
    sqlx::query(ONE).bind(Moment(now)).bind(endpoint).bind(id).fetch_one(conn).await?.count(0)
}
