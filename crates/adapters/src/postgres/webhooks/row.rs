//! An endpoint as a row.

use sqlx::postgres::PgRow;
use uuid::Uuid;
use waypost_core::ids::{WebhookId, WorkspaceId};
use waypost_core::webhooks::{
    CustomHeaders, Endpoint, EndpointState, EventPattern, FieldFilter, Format, Ordering, Scheme, SealedSecret, Target,
};

use crate::postgres::columns::{Columns as _, Moment, Query, number};
use crate::postgres::error::Fault;

/// What [`bind`] binds and [`read`] reads, in this order.
macro_rules! endpoint_columns {
    () => {
        "workspace, id, target, events, filter, headers, description, format, payload_version, ordering, rate_limit, \
         concurrency, state, verified_at, scheme, secrets, created_at, updated_at, version"
    };
}
pub(super) use endpoint_columns;

/// How many columns those are.
pub(super) const ENDPOINT_COLUMNS: usize = 19;

/// The values of an endpoint, as the first parameters.
macro_rules! endpoint_values {
    () => {
        "$1::uuid, $2::uuid, $3::text, $4::text[], $5::text, $6::text, $7::text, $8::text, $9::int4, $10::text, \
         $11::int8, $12::int4, $13::text, $14::timestamptz, $15::text, $16::text, $17::timestamptz, $18::timestamptz, \
         $19::int8"
    };
}
pub(super) use endpoint_values;

/// Binds an endpoint, for [`endpoint_values`].
pub(super) fn bind(sql: &'static str, endpoint: &Endpoint) -> Query<'static> {
    let events: Vec<String> = endpoint.events.iter().map(|pattern| pattern.as_str().to_owned()).collect();
    named(sql, endpoint.workspace, endpoint.id)
        .bind(endpoint.target.as_str().to_owned())
        .bind(events)
        .bind(endpoint.filter.to_json().to_string())
        .bind(endpoint.headers.to_json().to_string())
        .bind(endpoint.description.clone())
        .bind(endpoint.format.as_str())
        .bind(i32::from(endpoint.payload_version))
        .bind(endpoint.ordering.as_str())
        .bind(endpoint.rate_limit.map(|rate| i64::from(rate.get())))
        .bind(i32::from(endpoint.concurrency.get()))
        .bind(endpoint.state.as_str())
        .bind(endpoint.verified_at.map(Moment))
        .bind(endpoint.scheme.as_str())
        .bind(SealedSecret::to_json(&endpoint.secrets))
        .bind(Moment(endpoint.created_at))
        .bind(Moment(endpoint.updated_at))
        .bind(number(endpoint.version))
}

/// Binds workspace and id, as the parameters 1 and 2.
pub(super) fn named(sql: &'static str, workspace: WorkspaceId, id: WebhookId) -> Query<'static> {
    sqlx::query(sql).bind(workspace.to_uuid()).bind(id.to_uuid())
}

/// An id as the columns have it.
pub(super) fn uuids(ids: impl Iterator<Item = WebhookId>) -> Vec<Uuid> {
    ids.map(WebhookId::to_uuid).collect()
}

/// Reads an endpoint.
pub(super) fn read(row: &PgRow) -> Result<Endpoint, Fault> {
    let events: Vec<String> = row.at(3)?;
    let events = events.iter().map(|event| EventPattern::parse(event)).collect::<Result<_, _>>();
    let rate = row.at::<Option<i64>>(10)?.map(u32::try_from).transpose().map_err(|_| Fault::Column("rate_limit"))?;
    let concurrency = u16::try_from(row.at::<i32>(11)?).ok().and_then(|number| number.try_into().ok());
    Ok(Endpoint {
        workspace: WorkspaceId::from_bytes(row.id(0)?),
        id: WebhookId::from_bytes(row.id(1)?),
        target: Target::stored(row.at::<String>(2)?),
        events: events.map_err(|_| Fault::Column("events"))?,
        filter: FieldFilter::stored(row.at(4)?).ok_or(Fault::Column("filter"))?,
        headers: CustomHeaders::stored(row.at(5)?).ok_or(Fault::Column("headers"))?,
        description: row.at(6)?,
        format: Format::parse(row.at(7)?).ok_or(Fault::Column("format"))?,
        payload_version: row.at::<i32>(8)?.try_into().map_err(|_| Fault::Column("payload_version"))?,
        ordering: Ordering::parse(row.at(9)?).ok_or(Fault::Column("ordering"))?,
        rate_limit: rate.and_then(|rate| rate.try_into().ok()),
        concurrency: concurrency.ok_or(Fault::Column("concurrency"))?,
        state: EndpointState::parse(row.at(12)?).ok_or(Fault::Column("state"))?,
        verified_at: row.maybe_time(13)?,
        scheme: Scheme::parse(row.at(14)?).ok_or(Fault::Column("scheme"))?,
        secrets: SealedSecret::stored(row.at(15)?).ok_or(Fault::Column("secrets"))?,
        created_at: row.time(16)?,
        updated_at: row.time(17)?,
        version: row.count(18)?,
    })
}
