//! Claiming entries.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use waypost_core::outbox::Claimed;

use super::gate;
use crate::postgres::columns::{Columns as _, Moment, number};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;
use crate::postgres::events::row::{self, event_columns};

/// The keys that are held, each with its first entry that is: one value that every candidate is looked up in. As a join
/// it would have to be read before the first candidate is known, or once for each.
const CLAIM: &str = concat!(
    "WITH held AS MATERIALIZED (SELECT jsonb_object_agg(ordering, first) AS keys FROM \
     (SELECT ordering, min(entry) AS first FROM waypost_outbox WHERE free_at > '-infinity' AND free_at > $1 \
     GROUP BY ordering) AS key), \
     free AS MATERIALIZED (SELECT entry, turn FROM waypost_outbox WHERE free_at <= $1 \
     AND coalesce(((SELECT keys FROM held) ->> ordering)::int8, entry) >= entry ORDER BY entry LIMIT $2) \
     UPDATE waypost_outbox AS o SET free_at = $3, token = token + 1 FROM free \
     WHERE o.entry = free.entry AND o.turn = free.turn RETURNING o.entry, token, attempts, ",
    event_columns!()
);

/// Claims up to `limit` entries.
pub(super) async fn claim(db: &Postgres, limit: usize, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>, Fault> {
    let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    let mut tx = gate::claim(db).await?;
    let query = sqlx::query(CLAIM).bind(Moment(now)).bind(number(limit)).bind(Moment(until));
    let rows = query.fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let mut claimed = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    // An update returns rows in no promised order.
    claimed.sort_by_key(|claimed| claimed.entry);
    Ok(claimed)
}

fn read(row: &PgRow) -> Result<Claimed, Fault> {
    let attempts = row.at::<i32>(2)?;
    Ok(Claimed {
        entry: row.count(0)?,
        token: row.count(1)?,
        attempts: attempts.try_into().map_err(|_| Fault::Column("attempts"))?,
        event: row::read(row, 3)?,
    })
}
