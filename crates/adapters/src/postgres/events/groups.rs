//! Consumer groups: where each stands, and who works for it.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use waypost_core::events::{Acked, Batch, Epoch, EventFilter};

use super::log;
use crate::postgres::columns::{Columns as _, Moment, number};
use crate::postgres::error::Fault;

/// Where a group stands need not wait for the disk: if the server dies, it stands a little before, and is given again what
/// it was given. A log knows no more of its readers (events 5).
pub(super) const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";
const READ: &str = "SELECT acked, leased_until > $2 FROM waypost_event_group WHERE name = $1";
/// Members of one group take turns here, on whatever nodes they are.
const HOLD: &str = "SELECT acked, leased_until > $2 FROM waypost_event_group WHERE name = $1 FOR UPDATE";
const ENTER: &str = "INSERT INTO waypost_event_group (name, acked) SELECT $1, trimmed FROM waypost_event_log WHERE one \
    ON CONFLICT DO NOTHING";
const LEASE: &str =
    "UPDATE waypost_event_group SET leased_until = $2, token = token + 1 WHERE name = $1 RETURNING token";
/// Fenced by the token; the same acknowledgement twice moves nothing further.
const ACK: &str = "UPDATE waypost_event_group SET acked = greatest(acked, $3), leased_until = '-infinity' \
    WHERE name = $1 AND token = $2";

/// What a group's state allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was never seen.
    New,
    /// It may read after this place.
    Free(u64),
    /// Another member works for it.
    Leased,
}

/// How the group stands.
pub(super) async fn standing(conn: &mut PgConnection, group: &str, now: Timestamp) -> Result<Standing, Fault> {
    stands(conn, READ, group, now).await
}

async fn stands(
    conn: &mut PgConnection,
    statement: &'static str,
    group: &str,
    now: Timestamp,
) -> Result<Standing, Fault> {
    Ok(match sqlx::query(statement).bind(group).bind(Moment(now)).fetch_optional(conn).await? {
        None => Standing::New,
        Some(row) if row.at(1)? => Standing::Leased,
        Some(row) => Standing::Free(row.count(0)?),
    })
}

/// Leases the next batch, within a transaction.
pub(super) async fn consume(
    conn: &mut PgConnection,
    epoch: Epoch,
    group: &str,
    limit: usize,
    (now, lease): (Timestamp, Duration),
) -> Result<Option<Batch>, Fault> {
    sqlx::query(ENTER).bind(group).execute(&mut *conn).await?;
    let Standing::Free(acked) = stands(conn, HOLD, group, now).await? else {
        return Ok(None);
    };
    let (bounds, events) = log::select(conn, epoch, (acked, u64::MAX), &EventFilter::default(), limit).await?;
    if events.is_empty() {
        return Ok(None);
    }
    let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    let row = sqlx::query(LEASE).bind(group).bind(Moment(until)).fetch_one(conn).await?;
    Ok(Some(Batch { events, token: row.count(0)?, gap: acked < bounds.start.offset }))
}

/// Moves the group past a batch.
pub(super) async fn ack(conn: &mut PgConnection, group: &str, batch: &Batch) -> Result<Acked, Fault> {
    let end = batch.events.last().map_or(0, |logged| logged.position.offset);
    let query = sqlx::query(ACK).bind(group).bind(number(batch.token)).bind(number(end));
    let moved = query.execute(conn).await?.rows_affected() > 0;
    Ok(if moved { Acked::Moved } else { Acked::Superseded })
}
