//! An event as columns: the same eight in the outbox, among the dead, and in the log.

use sqlx::postgres::PgRow;
use uuid::Uuid;
use waypost_core::events::{Event, EventType, Payload};
use waypost_core::ids::{EventId, WorkspaceId};

use crate::postgres::columns::{Columns as _, Moment, Query};
use crate::postgres::error::Fault;

/// The columns, in the order of [`bind`] and [`read`].
macro_rules! event_columns {
    () => {
        "id, type, version, created_at, workspace, subject, traceparent, data"
    };
}
pub(in crate::postgres) use event_columns;

/// Any number of events as one row source: `UNNEST(…)`, whose columns are those of [`event_columns`]. The parameters
/// are the first eight of the statement.
macro_rules! event_arrays {
    () => {
        "UNNEST($1::uuid[], $2::text[], $3::int4[], $4::timestamptz[], $5::uuid[], $6::text[], $7::text[], $8::text[])"
    };
}
pub(in crate::postgres) use event_arrays;

/// Binds events, for [`event_arrays`].
pub(in crate::postgres) fn bind<'q>(query: Query<'q>, events: &[&Event]) -> Query<'q> {
    query
        .bind(events.iter().map(|event| Uuid::from_bytes(event.id.to_bytes())).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| i32::from(event.version)).collect::<Vec<_>>())
        .bind(events.iter().map(|event| Moment(event.created_at)).collect::<Vec<_>>())
        .bind(events.iter().map(|event| Uuid::from_bytes(event.workspace.to_bytes())).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.subject.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.traceparent.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.data.as_str()).collect::<Vec<_>>())
}

/// Reads an event whose columns begin at `from`.
pub(in crate::postgres) fn read(row: &PgRow, from: usize) -> Result<Event, Fault> {
    let version = row.at::<i32>(from + 2)?;
    Ok(Event {
        id: EventId::from_bytes(row.id(from)?),
        kind: EventType::parse(row.at(from + 1)?).map_err(|_| Fault::Column("type"))?,
        version: version.try_into().map_err(|_| Fault::Column("version"))?,
        created_at: row.time(from + 3)?,
        workspace: WorkspaceId::from_bytes(row.id(from + 4)?),
        subject: row.at(from + 5)?,
        traceparent: row.at(from + 6)?,
        data: Payload::trusted(row.at(from + 7)?),
    })
}
