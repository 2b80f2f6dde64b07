//! Claiming queues and renewing their leases, each with what is due first.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::postgres::{PgConnection, PgRow};
use waypost_core::events::{Epoch, Position};
use waypost_core::ids::WebhookId;
use waypost_core::webhooks::{Claimed, Delivery, Due, Held, Room};

use super::gate;
use super::row::{self, ENDPOINT_COLUMNS, endpoint_columns, uuids};
use super::standing::{self, standing_columns};
use crate::postgres::columns::{Columns as _, Moment, number};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;
use crate::postgres::events::row as event;

/// Takes the queues that `free` names under the lease, and gives each with its endpoint, in the order of what is due.
macro_rules! lease {
    ($free:literal, $set:literal) => {
        concat!(
            "WITH free AS MATERIALIZED (",
            $free,
            "), leased AS (UPDATE waypost_webhook_queue AS queue SET ",
            $set,
            " FROM free WHERE queue.endpoint = free.endpoint RETURNING queue.endpoint, queue.due_at, queue.token, ",
            standing_columns!(),
            ") SELECT ",
            endpoint_columns!(),
            ", token, ",
            standing_columns!(),
            " FROM leased JOIN waypost_webhook AS webhook ON webhook.id = leased.endpoint ORDER BY leased.due_at"
        )
    };
}
/// What another is at work on just now is passed over: it is free in a moment, or is held then.
pub(in crate::postgres) const CLAIM: &str = lease!(
    "SELECT endpoint FROM waypost_webhook_queue WHERE due_at <= $1 AND due_at < 'infinity' AND leased_until <= $1 \
     AND coalesce(paused_until, '-infinity') <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED",
    "leased_until = $2, token = queue.token + 1"
);
pub(in crate::postgres) const RENEW: &str = lease!(
    "SELECT queue.endpoint FROM UNNEST($1::uuid[], $3::int8[]) AS held (endpoint, token) \
     JOIN waypost_webhook_queue AS queue ON queue.endpoint = held.endpoint AND queue.token = held.token \
     AND queue.leased_until > '-infinity' \
     ORDER BY queue.endpoint FOR UPDATE OF queue",
    "leased_until = $2"
);
/// The first that are due of each queue: a look into the index where it is known to begin.
pub(in crate::postgres) const DUE: &str = concat!(
    "SELECT owed.endpoint, tried, epoch, delivery.place, delivery.ordering, ",
    "delivery.id, type, version, delivery.created_at, workspace, subject, traceparent, data",
    " FROM UNNEST($1::uuid[], $2::int8[]) AS held (endpoint, want) \
     JOIN waypost_webhook_queue AS queue ON queue.endpoint = held.endpoint CROSS JOIN LATERAL \
     (SELECT endpoint, id, created_at, due_at, place, tried FROM waypost_delivery_owed \
     WHERE endpoint = held.endpoint AND (due_at, place) >= (queue.floor_at, queue.floor_place) AND due_at <= $3 \
     ORDER BY due_at, place LIMIT held.want) AS owed JOIN waypost_delivery AS delivery \
     ON delivery.endpoint = owed.endpoint AND delivery.id = owed.id AND delivery.created_at = owed.created_at \
     ORDER BY owed.endpoint, owed.due_at, owed.place"
);
/// Gives back queues in which nothing is due after all: what was has been settled under a lease that ended.
pub(in crate::postgres) const GIVE_BACK: &str = "UPDATE waypost_webhook_queue AS queue SET due_at = first.due_at, \
    leased_until = CASE WHEN first.due_at <= $2 THEN leased_until ELSE '-infinity' END \
    FROM UNNEST($1::uuid[]) AS given (endpoint) CROSS JOIN LATERAL (SELECT coalesce((SELECT owed.due_at \
    FROM waypost_delivery_owed AS owed JOIN waypost_webhook_queue AS had ON had.endpoint = owed.endpoint \
    WHERE owed.endpoint = given.endpoint AND (owed.due_at, owed.place) >= (had.floor_at, had.floor_place) \
    ORDER BY owed.due_at, owed.place LIMIT 1), 'infinity') AS due_at) AS first WHERE queue.endpoint = given.endpoint \
    RETURNING queue.endpoint, first.due_at <= $2";

/// Claims queues in which something is due and that nobody holds.
pub(super) async fn claim(db: &Postgres, room: Room, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>, Fault> {
    let mut tx = gate::begin(db).await?;
    let query = sqlx::query(CLAIM).bind(Moment(now)).bind(Moment(until(now, lease))).bind(number(room.queues));
    let rows = query.fetch_all(&mut *tx).await?;
    if rows.is_empty() {
        tx.rollback().await?;
        return Ok(Vec::new());
    }
    let mut claimed = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    read_due(&mut tx, &mut claimed, |_| room.each, now).await?;
    give_back(&mut tx, &mut claimed, now).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Renews leases, and reads on.
pub(super) async fn refill(
    db: &Postgres,
    held: &[Held],
    now: Timestamp,
    lease: Duration,
) -> Result<Vec<Claimed>, Fault> {
    let wants: HashMap<_, _> = held.iter().map(|held| (held.endpoint, held.want)).collect();
    let mut tx = gate::begin_light(db).await?;
    let query = sqlx::query(RENEW)
        .bind(uuids(held.iter().map(|held| held.endpoint)))
        .bind(Moment(until(now, lease)))
        .bind(held.iter().map(|held| number(held.token)).collect::<Vec<_>>());
    let rows = query.fetch_all(&mut *tx).await?;
    let mut claimed = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    read_due(&mut tx, &mut claimed, |id| wants.get(&id).copied().unwrap_or_default(), now).await?;
    tx.commit().await?;
    Ok(claimed)
}

fn until(now: Timestamp, lease: Duration) -> Timestamp {
    now.saturating_add(lease).unwrap_or(Timestamp::MAX)
}

fn read(row: &PgRow) -> Result<Claimed, Fault> {
    Ok(Claimed {
        endpoint: row::read(row)?,
        token: row.count(ENDPOINT_COLUMNS)?,
        standing: standing::standing(row, ENDPOINT_COLUMNS + 1)?,
        due: Vec::new(),
    })
}

/// Reads what is due first of each.
async fn read_due(
    conn: &mut PgConnection,
    claimed: &mut [Claimed],
    want: impl Fn(WebhookId) -> usize,
    now: Timestamp,
) -> Result<(), Fault> {
    let query = sqlx::query(DUE)
        .bind(uuids(claimed.iter().map(|claimed| claimed.endpoint.id)))
        .bind(claimed.iter().map(|claimed| number(want(claimed.endpoint.id))).collect::<Vec<_>>())
        .bind(Moment(now));
    let mut due: HashMap<WebhookId, Vec<Due>> = HashMap::with_capacity(claimed.len());
    for row in query.fetch_all(conn).await? {
        let one = read_one(&row)?;
        due.entry(one.delivery.endpoint).or_default().push(one);
    }
    for claimed in claimed {
        claimed.due = due.remove(&claimed.endpoint.id).unwrap_or_default();
    }
    Ok(())
}

fn read_one(row: &PgRow) -> Result<Due, Fault> {
    Ok(Due {
        delivery: Delivery {
            endpoint: WebhookId::from_bytes(row.id(0)?),
            event: event::read(row, 5)?,
            position: Position { epoch: Epoch(row.at::<i64>(2)?.cast_unsigned()), offset: row.count(3)? },
            ordering: row.at(4)?,
        },
        attempts: row.count(1)?.try_into().map_err(|_| Fault::Column("tried"))?,
    })
}

/// Gives back those in which nothing was found, unless something has become due since the look.
async fn give_back(conn: &mut PgConnection, claimed: &mut Vec<Claimed>, now: Timestamp) -> Result<(), Fault> {
    let empty = uuids(claimed.iter().filter(|claimed| claimed.due.is_empty()).map(|claimed| claimed.endpoint.id));
    if empty.is_empty() {
        return Ok(());
    }
    for row in sqlx::query(GIVE_BACK).bind(empty).bind(Moment(now)).fetch_all(conn).await? {
        let id = WebhookId::from_bytes(row.id(0)?);
        if !row.at::<bool>(1)? {
            claimed.retain(|claimed| claimed.endpoint.id != id);
        }
    }
    Ok(())
}
