//! Appending to the log, reading it, and trimming it.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use sqlx::QueryBuilder;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use waypost_core::events::{Bounds, Epoch, Event, EventFilter, Logged, Position, Read};
use waypost_core::ids::EventId;

use super::row::{self, event_columns};
use crate::sqlite::bulk::Bulk;
use crate::sqlite::columns::{Columns as _, micros, number};
use crate::sqlite::error::Fault;

/// How many places of the log a read with a filter looks at: some 10 ms of work. It then says up to where it looked.
const EXAMINED: u64 = 10_000;

/// An event that is there already gives its place: the empty update makes the statement return it.
static APPEND: LazyLock<Bulk> = LazyLock::new(|| {
    let head = concat!("INSERT INTO waypost_event (", event_columns!(), ")");
    Bulk::new(head, row::VALUES, "ON CONFLICT (id) DO UPDATE SET id = id RETURNING id, offset")
});
const BOUNDS: &str =
    "SELECT trimmed, max(trimmed, coalesce((SELECT max(offset) FROM waypost_event), 0)) FROM waypost_event_log";
/// Of the first ?2 places: the one before the first event that is younger, or the last of them.
const CUT: &str = "WITH first AS (SELECT offset, created_at FROM waypost_event ORDER BY offset LIMIT ?2) \
    SELECT coalesce((SELECT min(offset) - 1 FROM first WHERE created_at >= ?1), (SELECT max(offset) FROM first), 0)";
const MARK: &str = "UPDATE waypost_event_log SET trimmed = max(trimmed, ?1)";
const TRIM: &str = "DELETE FROM waypost_event WHERE offset <= ?1";

/// Appends events that are new; gives the place of each.
pub(super) async fn append(conn: &mut SqliteConnection, events: &[Event]) -> Result<Vec<u64>, Fault> {
    let rows = APPEND.fetch(conn, events, row::bind).await?;
    let places: Result<HashMap<_, _>, Fault> =
        rows.iter().map(|row| Ok((EventId::from_bytes(row.bytes(0)?), row.count(1)?))).collect();
    let places = places?;
    events.iter().map(|event| places.get(&event.id).copied().ok_or(Fault::Column("offset"))).collect()
}

/// Where the log begins and ends, for a connection that may be in a transaction.
pub(super) async fn bounds(conn: &mut SqliteConnection, epoch: Epoch) -> Result<Bounds, Fault> {
    let row = sqlx::query(BOUNDS).fetch_one(conn).await?;
    let position = |offset| Position { epoch, offset };
    Ok(Bounds { start: position(row.count(0)?), end: position(row.count(1)?) })
}

/// Reads after a position. Within a transaction, so that nothing is trimmed between the look at the bounds and the
/// events.
pub(super) async fn read(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> Result<Read, Fault> {
    let bounds = bounds(conn, epoch).await?;
    if after.epoch != epoch || after < bounds.start || after > bounds.end {
        return Ok(Read::Reset(bounds));
    }
    let end = bounds.end.offset;
    // A workspace has an index of its own places; any other condition is looked at event by event.
    let is_indexed = filter.types.is_empty() && filter.subject.is_none();
    let upto = if is_indexed { end } else { end.min(after.offset.saturating_add(EXAMINED)) };
    let events = if limit == 0 || upto == after.offset {
        Vec::new()
    } else {
        select(conn, epoch, (after.offset, upto), filter, limit).await?
    };
    let next = match events.last() {
        _ if limit == 0 => after.offset,
        Some(last) if events.len() >= limit => last.position.offset,
        _ => upto,
    };
    Ok(Read::Events { events, next: Position { epoch, offset: next }, more: next < end })
}

/// The wanted events with places above `from` and up to `upto`.
pub(super) async fn select(
    conn: &mut SqliteConnection,
    epoch: Epoch,
    (from, upto): (u64, u64),
    filter: &EventFilter,
    limit: usize,
) -> Result<Vec<Logged>, Fault> {
    let mut sql = QueryBuilder::<sqlx::Sqlite>::new(concat!(
        "SELECT offset, ",
        event_columns!(),
        " FROM waypost_event WHERE offset > "
    ));
    sql.push_bind(number(from)).push(" AND offset <= ").push_bind(number(upto));
    if let Some(workspace) = filter.workspace {
        sql.push(" AND workspace = ").push_bind(workspace.to_bytes().to_vec());
    }
    if let Some(subject) = &filter.subject {
        sql.push(" AND subject = ").push_bind(subject.clone());
    }
    if !filter.types.is_empty() {
        let mut types = sql.push(" AND type IN (").separated(", ");
        for kind in &filter.types {
            types.push_bind(kind.as_str().to_owned());
        }
        sql.push(")");
    }
    sql.push(" ORDER BY offset LIMIT ").push_bind(number(limit));
    let rows = sql.build().fetch_all(conn).await?;
    let read =
        |row: &SqliteRow| Ok(Logged { position: Position { epoch, offset: row.count(0)? }, event: row::read(row, 1)? });
    rows.iter().map(read).collect()
}

/// Forgets the oldest events that were made before a moment: those before the first that is younger.
pub(super) async fn trim(conn: &mut SqliteConnection, before: Timestamp, limit: usize) -> Result<u64, Fault> {
    let row = sqlx::query(CUT).bind(micros(before)).bind(number(limit)).fetch_one(&mut *conn).await?;
    let cut: i64 = row.at(0)?;
    sqlx::query(MARK).bind(cut).execute(&mut *conn).await?;
    Ok(sqlx::query(TRIM).bind(cut).execute(conn).await?.rows_affected())
}
