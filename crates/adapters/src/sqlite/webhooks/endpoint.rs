//! An endpoint as columns, and how it stands.

use std::num::{NonZeroU16, NonZeroU32};

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use waypost_core::ids::{WebhookId, WorkspaceId};
use waypost_core::webhooks::{
    CustomHeaders, Endpoint, EndpointState, EventPattern, FieldFilter, Format, Ordering, Scheme, SealedSecret,
    Standing, Target,
};

use crate::sqlite::columns::{Columns as _, Query, micros, number};
use crate::sqlite::error::Fault;

/// The columns of an endpoint, in the order of [`bind`] and [`read`].
macro_rules! endpoint_columns {
    () => {
        "e.workspace, e.id, e.target, e.events, e.filter, e.headers, e.description, e.format, e.payload_version, \
         e.ordering, e.rate_limit, e.concurrency, e.state, e.verified_at, e.scheme, e.secrets, e.created_at, \
         e.updated_at, e.version"
    };
}
pub(super) use endpoint_columns;

/// How many they are.
const VALUES: usize = 19;

/// The columns of a queue that a claim tells, in the order of [`read_standing`].
macro_rules! standing_columns {
    () => {
        "q.failures, q.failing_since, q.warnings, q.paused_until, q.full_at"
    };
}
pub(super) use standing_columns;

/// Binds an endpoint.
pub(super) fn bind<'q>(query: Query<'q>, endpoint: &Endpoint) -> Query<'q> {
    let events = serde_json::Value::from_iter(endpoint.events.iter().map(EventPattern::as_str));
    query
        .bind(endpoint.workspace.to_bytes().to_vec())
        .bind(endpoint.id.to_bytes().to_vec())
        .bind(endpoint.target.as_str().to_owned())
        .bind(events.to_string())
        .bind(endpoint.filter.to_json().to_string())
        .bind(endpoint.headers.to_json().to_string())
        .bind(endpoint.description.clone())
        .bind(endpoint.format.as_str())
        .bind(endpoint.payload_version)
        .bind(endpoint.ordering.as_str())
        .bind(endpoint.rate_limit.map(NonZeroU32::get))
        .bind(endpoint.concurrency.get())
        .bind(endpoint.state.as_str())
        .bind(endpoint.verified_at.map(micros))
        .bind(endpoint.scheme.as_str())
        .bind(SealedSecret::to_json(&endpoint.secrets))
        .bind(micros(endpoint.created_at))
        .bind(micros(endpoint.updated_at))
        .bind(number(endpoint.version))
}

/// Reads an endpoint whose columns begin at `from`.
pub(super) fn read(row: &SqliteRow, from: usize) -> Result<Endpoint, Fault> {
    let text = |place: usize| row.at::<&str>(from + place);
    let events: Vec<String> = serde_json::from_str(text(3)?).map_err(|_| Fault::Column("events"))?;
    let events = events.iter().map(|event| EventPattern::parse(event)).collect::<Result<_, _>>();
    let rate_limit: Option<u32> = row.at(from + 10)?;
    Ok(Endpoint {
        workspace: WorkspaceId::from_bytes(row.bytes(from)?),
        id: WebhookId::from_bytes(row.bytes(from + 1)?),
        target: Target::stored(text(2)?),
        events: events.map_err(|_| Fault::Column("events"))?,
        filter: FieldFilter::stored(text(4)?).ok_or(Fault::Column("filter"))?,
        headers: CustomHeaders::stored(text(5)?).ok_or(Fault::Column("headers"))?,
        description: row.at(from + 6)?,
        format: Format::parse(text(7)?).ok_or(Fault::Column("format"))?,
        payload_version: row.at(from + 8)?,
        ordering: Ordering::parse(text(9)?).ok_or(Fault::Column("ordering"))?,
        rate_limit: rate_limit.and_then(NonZeroU32::new),
        concurrency: NonZeroU16::new(row.at(from + 11)?).ok_or(Fault::Column("concurrency"))?,
        state: EndpointState::parse(text(12)?).ok_or(Fault::Column("state"))?,
        verified_at: row.maybe_time(from + 13)?,
        scheme: Scheme::parse(text(14)?).ok_or(Fault::Column("scheme"))?,
        secrets: SealedSecret::stored(text(15)?).ok_or(Fault::Column("secrets"))?,
        created_at: row.time(from + 16)?,
        updated_at: row.time(from + 17)?,
        version: row.count(from + 18)?,
    })
}

/// Binds how an endpoint stands.
pub(super) fn bind_standing<'q>(query: Query<'q>, standing: &Standing) -> Query<'q> {
    let maybe = |at: Option<Timestamp>| at.map(micros);
    query
        .bind(standing.failures)
        .bind(maybe(standing.failing_since))
        .bind(standing.warnings)
        .bind(maybe(standing.paused_until))
        .bind(maybe(standing.full_at))
}

/// Reads how an endpoint stands, from the columns that begin behind those of the endpoint at `from`.
pub(super) fn read_standing(row: &SqliteRow, from: usize) -> Result<Standing, Fault> {
    let from = from + VALUES;
    Ok(Standing {
        failures: row.at(from)?,
        failing_since: row.maybe_time(from + 1)?,
        warnings: row.at(from + 2)?,
        paused_until: row.maybe_time(from + 3)?,
        full_at: row.maybe_time(from + 4)?,
    })
}
