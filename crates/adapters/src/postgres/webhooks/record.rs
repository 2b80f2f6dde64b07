//! Deliveries and calls as they are told.

use std::time::Duration;

use sqlx::postgres::PgRow;
use waypost_core::events::{Epoch, Position};
use waypost_core::ids::WebhookId;
use waypost_core::webhooks::{Attempt, AttemptResult, Delivery, DeliveryRecord, DeliveryState, Failure, FailureClass};

use crate::postgres::columns::Columns as _;
use crate::postgres::error::Fault;
use crate::postgres::events::row as event;

/// What [`record`] reads, of the deliveries that `page` names, which has all columns of them: the newest first.
macro_rules! records {
    ($page:expr) => {
        concat!(
            "SELECT page.endpoint, page.epoch, page.place, page.ordering, page.id, page.type, page.version, \
             page.created_at, page.workspace, page.subject, page.traceparent, page.data, owed.id IS NOT NULL, \
             CASE WHEN owed.due_at < 'infinity' THEN owed.due_at END, failed.reason, (SELECT count(*) \
             FROM waypost_attempt AS call WHERE call.endpoint = page.endpoint AND call.id = page.id \
             AND call.created_at = page.created_at), last.at, last.number, last.duration, last.status, last.failure, \
             last.detail, last.excerpt, last.traceparent FROM (",
            $page,
            ") AS page LEFT JOIN waypost_delivery_owed AS owed ON owed.created_at = page.created_at \
             AND owed.id = page.id AND owed.endpoint = page.endpoint LEFT JOIN waypost_delivery_failed AS failed \
             ON failed.endpoint = page.endpoint AND failed.id = page.id AND failed.created_at = page.created_at \
             LEFT JOIN LATERAL (SELECT * FROM waypost_attempt AS call WHERE call.endpoint = page.endpoint \
             AND call.id = page.id AND call.created_at = page.created_at ORDER BY call.at DESC, call.number DESC LIMIT 1) AS last ON true \
             ORDER BY page.id DESC"
        )
    };
}
pub(super) use records;

/// What [`attempt`] reads.
macro_rules! attempt_columns {
    () => {
        "at, number, duration, status, failure, detail, excerpt, traceparent"
    };
}
pub(super) use attempt_columns;

/// Reads a delivery, how it stands, and the last of its calls.
pub(super) fn record(row: &PgRow) -> Result<DeliveryRecord, Fault> {
    let state = match (row.at::<bool>(12)?, row.at::<Option<String>>(14)?) {
        (true, _) => DeliveryState::Waiting(row.maybe_time(13)?),
        (false, Some(reason)) => DeliveryState::Failed(reason),
        (false, None) => DeliveryState::Delivered,
    };
    Ok(DeliveryRecord {
        delivery: Delivery {
            endpoint: WebhookId::from_bytes(row.id(0)?),
            event: event::read(row, 4)?,
            position: Position { epoch: Epoch(row.at::<i64>(1)?.cast_unsigned()), offset: row.count(2)? },
            ordering: row.at(3)?,
        },
        state,
        attempts: row.count(15)?.try_into().map_err(|_| Fault::Column("of a count"))?,
        last: if row.maybe_time(16)?.is_some() { Some(attempt(row, 16)?) } else { None },
    })
}

/// Reads a call whose columns begin at `from`.
pub(super) fn attempt(row: &PgRow, from: usize) -> Result<Attempt, Fault> {
    let status = row.at::<Option<i32>>(from + 3)?.map(u16::try_from).transpose();
    let failure = match row.at::<Option<&str>>(from + 4)? {
        Some(class) => Some(Failure {
            class: FailureClass::parse(class).ok_or(Fault::Column("failure"))?,
            detail: row.at::<Option<String>>(from + 5)?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Attempt {
        at: row.time(from)?,
        number: row.count(from + 1)?.try_into().map_err(|_| Fault::Column("number"))?,
        duration: Duration::from_micros(row.count(from + 2)?),
        result: AttemptResult {
            status: status.map_err(|_| Fault::Column("status"))?,
            failure,
            excerpt: row.at(from + 6)?,
        },
        traceparent: row.at(from + 7)?,
    })
}
