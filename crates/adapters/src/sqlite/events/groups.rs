//! Consumer groups: where each stands, and who works for it.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use waypost_core::events::{Acked, Batch, Bounds, EventFilter};

use super::log;
use crate::sqlite::columns::{Columns as _, micros, number};
use crate::sqlite::error::Fault;

const READ: &str = "SELECT acked, leased_until FROM waypost_event_group WHERE name = ?1";
const ENTER: &str = "INSERT INTO waypost_event_group (name, acked) VALUES (?1, ?2)";
const LEASE: &str =
    "UPDATE waypost_event_group SET leased_until = ?2, token = token + 1 WHERE name = ?1 RETURNING token";
/// Fenced by the token; the same acknowledgement twice moves nothing further.
const ACK: &str =
    "UPDATE waypost_event_group SET acked = max(acked, ?3), leased_until = 0 WHERE name = ?1 AND token = ?2";

/// What a group's state allows.
pub(super) enum Standing {
    /// It was never seen.
    New,
    /// It may read after this place.
    Free(u64),
    /// Another member works for it.
    Leased,
}

/// How the group stands.
pub(super) async fn standing(conn: &mut SqliteConnection, group: &str, now: Timestamp) -> Result<Standing, Fault> {
    Ok(match sqlx::query(READ).bind(group).fetch_optional(conn).await? {
        None => Standing::New,
        Some(row) if row.at::<i64>(1)? > micros(now) => Standing::Leased,
        Some(row) => Standing::Free(row.count(0)?),
    })
}

/// Leases the next batch.
pub(super) async fn consume(
    conn: &mut SqliteConnection,
    bounds: Bounds,
    group: &str,
    limit: usize,
    (now, lease): (Timestamp, Duration),
) -> Result<Option<Batch>, Fault> {
    let (start, end) = (bounds.start.offset, bounds.end.offset);
    let acked = match standing(conn, group, now).await? {
        Standing::Leased => return Ok(None),
        Standing::Free(acked) => acked,
        Standing::New => {
            sqlx::query(ENTER).bind(group).bind(number(start)).execute(&mut *conn).await?;
            start
        }
    };
    let span = (acked.max(start), end);
    let events = log::select(conn, bounds.end.epoch, span, &EventFilter::default(), limit).await?;
    if events.is_empty() {
        return Ok(None);
    }
    let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    let row = sqlx::query(LEASE).bind(group).bind(micros(until)).fetch_one(conn).await?;
    Ok(Some(Batch { events, token: row.count(0)?, gap: acked < start }))
}

/// Moves the group past a batch.
pub(super) async fn ack(conn: &mut SqliteConnection, group: &str, batch: &Batch) -> Result<Acked, Fault> {
    let end = batch.events.last().map_or(0, |logged| logged.position.offset);
    let query = sqlx::query(ACK).bind(group).bind(number(batch.token)).bind(number(end));
    let moved = query.execute(conn).await?.rows_affected() > 0;
    Ok(if moved { Acked::Moved } else { Acked::Superseded })
}
