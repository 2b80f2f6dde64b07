//! Appending to the log, reading it, and trimming it.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Executor as _, QueryBuilder};
use uuid::Uuid;
use waypost_core::events::{Bounds, Epoch, Event, EventFilter, Logged, Position, Read};
use waypost_core::ids::EventId;

use super::row::{self, event_arrays, event_columns};
use crate::postgres::columns::{Columns as _, Driver, Moment, number};
use crate::postgres::error::Fault;

/// How many places of the log a read with a filter looks at: some 10 ms of work. It then says up to where it looked.
const EXAMINED: u64 = 10_000;

/// The newest place, which may have been trimmed. The one row is asked for by its key, so that it is counted as one.
macro_rules! last {
    () => {
        "(SELECT greatest(trimmed, (SELECT max(place) FROM waypost_event)) FROM waypost_event_log WHERE one)"
    };
}
/// One publisher at a time, until it has committed: what the next one sees of the log is all of it. In a statement of
/// its own, since a statement sees what was committed when it began. And the log is searched by id, however small it
/// was when the statement was planned. A node that is cut off in here holds everybody up, so it is soon taken for dead.
const LOCK: &str = "SELECT pg_advisory_xact_lock('waypost_event_log'::regclass::oid::int4, 0); \
    SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_hashjoin = off; \
    SET LOCAL enable_mergejoin = off; SET LOCAL idle_in_transaction_session_timeout = '2s'";
/// Those that are there keep their place; the others follow the last, in the order given and without a gap.
const APPEND: &str = concat!(
    "WITH given AS (SELECT * FROM ",
    event_arrays!(),
    " WITH ORDINALITY AS event (",
    event_columns!(),
    ", step)), \
     known AS MATERIALIZED (SELECT given.id, event.place FROM given \
     JOIN waypost_event AS event ON event.id = given.id), \
     fresh AS (SELECT given.*, row_number() OVER (ORDER BY step) AS nth FROM given \
     WHERE id NOT IN (SELECT id FROM known)), \
     appended AS (INSERT INTO waypost_event (place, ",
    event_columns!(),
    ") SELECT ",
    last!(),
    " + nth, ",
    event_columns!(),
    " FROM fresh RETURNING id, place) \
     SELECT id, place FROM known UNION ALL SELECT id, place FROM appended"
);

const BOUNDS: &str = concat!("SELECT trimmed, ", last!(), " FROM waypost_event_log WHERE one");
/// Bounds and events of one moment: nothing is trimmed between the two.
const READ: &str = concat!(
    "WITH log AS MATERIALIZED (SELECT trimmed, ",
    last!(),
    " AS last FROM waypost_event_log WHERE one) SELECT log.trimmed, log.last, event.* \
     FROM log LEFT JOIN LATERAL (SELECT place, ",
    event_columns!(),
    " FROM waypost_event WHERE place <= log.last AND place > "
);
/// Where the log was trimmed, and of the first $2 places: the one before the first event that is younger, or the last
/// of them.
const CUT: &str = "WITH log AS MATERIALIZED (SELECT trimmed FROM waypost_event_log WHERE one), \
    first AS MATERIALIZED (SELECT place, created_at FROM waypost_event \
    WHERE place > (SELECT trimmed FROM log) ORDER BY place LIMIT $2) SELECT (SELECT trimmed FROM log), \
    coalesce((SELECT min(place) - 1 FROM first WHERE created_at >= $1), (SELECT max(place) FROM first), 0)";
/// Of several who trim at once, the others wait here, and find what they would have trimmed gone.
const MARK: &str = "UPDATE waypost_event_log SET trimmed = $1 WHERE one AND trimmed < $1";
/// What was trimmed before is not looked at again: it may be there as dead rows.
const TRIM: &str = "DELETE FROM waypost_event WHERE place > $1 AND place <= $2";

/// Appends events that are new, in a transaction that has just begun; gives the place of each.
pub(super) async fn append(conn: &mut PgConnection, events: &[Event]) -> Result<Vec<u64>, Fault> {
    let mut seen = HashSet::new();
    let given: Vec<_> = events.iter().filter(|event| seen.insert(event.id)).collect();
    conn.execute(LOCK).await?;
    let rows = row::bind(sqlx::query(APPEND), &given).fetch_all(conn).await?;
    let places: Result<HashMap<_, _>, Fault> =
        rows.iter().map(|row| Ok((EventId::from_bytes(row.id(0)?), row.count(1)?))).collect();
    let places = places?;
    events.iter().map(|event| places.get(&event.id).copied().ok_or(Fault::Column("place"))).collect()
}

/// Where the log begins and ends.
pub(super) async fn bounds(conn: &mut PgConnection, epoch: Epoch) -> Result<Bounds, Fault> {
    let row = sqlx::query(BOUNDS).fetch_one(conn).await?;
    read_bounds(&row, epoch)
}

/// Reads after a position.
pub(super) async fn read(
    conn: &mut PgConnection,
    epoch: Epoch,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> Result<Read, Fault> {
    // A workspace has an index of its own places; any other condition is looked at event by event.
    let is_indexed = filter.types.is_empty() && filter.subject.is_none();
    let upto = if is_indexed { u64::MAX } else { after.offset.saturating_add(EXAMINED) };
    let (bounds, events) = select(conn, epoch, (after.offset, upto), filter, limit).await?;
    if after.epoch != epoch || after < bounds.start || after > bounds.end {
        return Ok(Read::Reset(bounds));
    }
    let end = bounds.end.offset;
    let next = match events.last() {
        _ if limit == 0 => after.offset,
        Some(last) if events.len() >= limit => last.position.offset,
        _ => upto.min(end),
    };
    Ok(Read::Events { events, next: Position { epoch, offset: next }, more: next < end })
}

/// The bounds, and the wanted events with places above `from` and up to `upto`.
pub(super) async fn select(
    conn: &mut PgConnection,
    epoch: Epoch,
    (from, upto): (u64, u64),
    filter: &EventFilter,
    limit: usize,
) -> Result<(Bounds, Vec<Logged>), Fault> {
    let mut sql = QueryBuilder::<Driver>::new(READ);
    sql.push_bind(number(from)).push(" AND place <= ").push_bind(number(upto));
    if let Some(workspace) = filter.workspace {
        sql.push(" AND workspace = ").push_bind(Uuid::from_bytes(workspace.to_bytes()));
    }
    if let Some(subject) = &filter.subject {
        // No text holds NUL here, and asking for one is an error.
        if subject.contains('\0') {
            sql.push(" AND false");
        } else {
            sql.push(" AND subject = ").push_bind(subject.clone());
        }
    }
    if !filter.types.is_empty() {
        let types: Vec<_> = filter.types.iter().map(|kind| kind.as_str().to_owned()).collect();
        sql.push(" AND type = ANY(").push_bind(types).push(")");
    }
    sql.push(" ORDER BY place LIMIT ").push_bind(number(limit)).push(") AS event ON true ORDER BY event.place");
    let rows = sql.build().fetch_all(conn).await?;
    let first = rows.first().ok_or(Fault::Column("trimmed"))?;
    let bounds = read_bounds(first, epoch)?;
    // Without an event there is one row, of the bounds alone.
    if first.at::<Option<i64>>(2)?.is_none() {
        return Ok((bounds, Vec::new()));
    }
    let read =
        |row: &PgRow| Ok(Logged { position: Position { epoch, offset: row.count(2)? }, event: row::read(row, 3)? });
    let events: Result<_, Fault> = rows.iter().map(read).collect();
    Ok((bounds, events?))
}

/// Forgets the oldest events that were made before a moment: those before the first that is younger.
pub(super) async fn trim(conn: &mut PgConnection, before: Timestamp, limit: usize) -> Result<u64, Fault> {
    let row = sqlx::query(CUT).bind(Moment(before)).bind(number(limit)).fetch_one(&mut *conn).await?;
    let (trimmed, cut) = (row.at::<i64>(0)?, row.at::<i64>(1)?);
    sqlx::query(MARK).bind(cut).execute(&mut *conn).await?;
    Ok(sqlx::query(TRIM).bind(trimmed).bind(cut).execute(conn).await?.rows_affected())
}

fn read_bounds(row: &PgRow, epoch: Epoch) -> Result<Bounds, Fault> {
    let position = |offset| Position { epoch, offset };
    Ok(Bounds { start: position(row.count(0)?), end: position(row.count(1)?) })
}
