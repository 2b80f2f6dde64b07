//! An event as columns: the same eight in the outbox, among the dead, and in the log.

use sqlx::sqlite::SqliteRow;
use waypost_core::events::{Event, EventType, Payload};
use waypost_core::ids::{EventId, WorkspaceId};

use crate::sqlite::columns::{Columns as _, Query, micros};
use crate::sqlite::error::Fault;

/// The columns, in the order of [`bind`] and [`read`].
macro_rules! event_columns {
    () => {
        "id, type, version, created_at, workspace, subject, traceparent, data"
    };
}
pub(in crate::sqlite) use event_columns;

/// How many they are.
pub(in crate::sqlite) const VALUES: usize = 8;

/// Binds an event.
pub(in crate::sqlite) fn bind<'q>(query: Query<'q>, event: &Event) -> Query<'q> {
    query
        .bind(&event.id.to_bytes()[..])
        .bind(event.kind.as_str())
        .bind(i64::from(event.version))
        .bind(micros(event.created_at))
        .bind(&event.workspace.to_bytes()[..])
        .bind(event.subject.as_deref())
        .bind(event.traceparent.as_deref())
        .bind(event.data.as_str())
}

/// Reads an event whose columns begin at `from`.
pub(in crate::sqlite) fn read(row: &SqliteRow, from: usize) -> Result<Event, Fault> {
    Ok(Event {
        id: EventId::from_bytes(row.bytes(from)?),
        kind: EventType::parse(row.at(from + 1)?).map_err(|_| Fault::Column("type"))?,
        version: row.at(from + 2)?,
        created_at: row.time(from + 3)?,
        workspace: WorkspaceId::from_bytes(row.bytes(from + 4)?),
        subject: row.at(from + 5)?,
        traceparent: row.at(from + 6)?,
        data: Payload::trusted(row.at(from + 7)?),
    })
}
