//! Settling deliveries of queues that are held.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use waypost_core::ids::WebhookId;
use waypost_core::webhooks::{Attempt, DeliveryRuling, Hold, Settled, Settlement};

use super::attempts::{self, fit};
use super::standing::bind_standings;
use super::{gate, row};
use crate::postgres::columns::{Columns as _, Moment};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;

/// In the order that all locks are taken in. What was given back is held by nobody, whatever its token.
pub(in crate::postgres) const LOCK: &str = "SELECT endpoint, token, leased_until > '-infinity' FROM waypost_webhook_queue \
    WHERE endpoint = ANY($1) ORDER BY endpoint FOR UPDATE";
/// Takes off what has arrived or is given up, for a reason; one behind another was never sent (said in a way that the
/// index of what is due does not serve: each row is found by its own key). How the last call failed
/// is given (`''`: it did not), or is looked up where none was made. Answers with the keys whose next one is due, and
/// since when.
pub(in crate::postgres) const DONE: &str = "WITH gone AS (DELETE FROM waypost_delivery_owed AS owed \
    USING UNNEST($1::timestamptz[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[]) \
    AS given (created_at, id, endpoint, reason, failure, ended_at) WHERE owed.created_at = given.created_at \
    AND owed.id = given.id AND owed.endpoint = given.endpoint AND owed.due_at IS DISTINCT FROM 'infinity' \
    RETURNING owed.created_at, owed.id, owed.endpoint, tried, ordering, reason, failure, ended_at), \
    dead AS (INSERT INTO waypost_delivery_failed (endpoint, id, created_at, reason, failure, tried) \
    SELECT endpoint, id, created_at, reason, nullif(coalesce(failure, (SELECT last.failure FROM waypost_attempt AS last \
    WHERE last.endpoint = gone.endpoint AND last.id = gone.id AND last.created_at = gone.created_at \
    ORDER BY last.at DESC, last.number DESC LIMIT 1)), ''), tried + CASE WHEN failure IS NULL THEN 0 ELSE 1 END FROM gone \
    WHERE reason IS NOT NULL ON CONFLICT DO NOTHING) \
    SELECT endpoint, ordering, max(ended_at) FROM gone WHERE ordering IS NOT NULL GROUP BY endpoint, ordering";
pub(in crate::postgres) const RETRY: &str = "UPDATE waypost_delivery_owed AS owed SET due_at = given.due_at, \
    tried = tried + given.calls FROM UNNEST($1::timestamptz[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::int8[]) \
    AS given (created_at, id, endpoint, due_at, calls) WHERE owed.created_at = given.created_at AND owed.id = given.id \
    AND owed.endpoint = given.endpoint AND owed.due_at IS DISTINCT FROM 'infinity'";
/// The first of a key that is owed is due.
pub(in crate::postgres) const NEXT: &str = "UPDATE waypost_delivery_owed AS owed SET due_at = next.due_at \
    FROM (SELECT first.created_at, first.id, first.endpoint, done.due_at \
    FROM UNNEST($1::uuid[], $2::int8[], $3::timestamptz[]) AS done (endpoint, ordering, due_at) CROSS JOIN LATERAL \
    (SELECT created_at, id, endpoint, due_at FROM waypost_delivery_owed AS had WHERE had.endpoint = done.endpoint \
    AND had.ordering = done.ordering ORDER BY place LIMIT 1) AS first WHERE first.due_at = 'infinity') AS next \
    WHERE owed.created_at = next.created_at AND owed.id = next.id AND owed.endpoint = next.endpoint";
/// How endpoints stand, and where the next look begins: at what is due first (`low`: something is due as early as that
/// that was not), or where nothing is, at the last call (`high`). It is moved on once a second, or a thousand places, and
/// not each time: a row that stays as it is costs nothing. A queue that is given back is due with its first one, after the
/// pause.
pub(in crate::postgres) const STAND: &str = "WITH given AS (SELECT given.*, \
    CASE WHEN low <= queue.floor_at THEN low ELSE queue.floor_at END AS from_at, \
    CASE WHEN low <= queue.floor_at THEN 0 ELSE queue.floor_place END AS from_place \
    FROM UNNEST($1::uuid[], $2::int8[], $3::timestamptz[], $4::int2[], $5::timestamptz[], $6::timestamptz[], \
    $7::boolean[], $8::timestamptz[], $9::timestamptz[]) AS given (endpoint, failures, failing_since, warnings, \
    paused_until, full_at, is_over, low, high) JOIN waypost_webhook_queue AS queue ON queue.endpoint = given.endpoint), \
    looked AS (SELECT given.*, first.due_at AS first_at, CASE WHEN first.due_at >= from_at + interval '1 second' \
    OR first.due_at >= from_at AND first.place >= from_place + 1000 THEN first.place END AS first_place \
    FROM given LEFT JOIN LATERAL (SELECT due_at, place FROM waypost_delivery_owed AS owed \
    WHERE owed.endpoint = given.endpoint AND (owed.due_at, owed.place) >= (from_at, from_place) \
    AND owed.due_at < 'infinity' ORDER BY owed.due_at, owed.place LIMIT 1) AS first ON true), \
    stands AS (SELECT *, CASE WHEN first_place IS NOT NULL THEN first_at WHEN first_at IS NULL \
    AND high >= from_at + interval '1 second' THEN high ELSE from_at END AS floor_at, \
    CASE WHEN first_place IS NOT NULL THEN first_place WHEN first_at IS NULL \
    AND high >= from_at + interval '1 second' THEN 0 ELSE from_place END AS floor_place FROM looked) \
    UPDATE waypost_webhook_queue AS queue SET failures = stands.failures, failing_since = stands.failing_since, \
    warnings = stands.warnings, paused_until = stands.paused_until, full_at = stands.full_at, \
    leased_until = CASE WHEN is_over THEN '-infinity' ELSE leased_until END, due_at = CASE WHEN is_over \
    THEN greatest(coalesce(first_at, 'infinity'), coalesce(stands.paused_until, '-infinity')) ELSE queue.due_at END, \
    floor_at = stands.floor_at, floor_place = stands.floor_place FROM stands WHERE queue.endpoint = stands.endpoint \
    AND (is_over OR (queue.failures, queue.failing_since, queue.warnings, queue.paused_until, queue.full_at, \
    queue.floor_at, queue.floor_place) IS DISTINCT FROM (stands.failures, stands.failing_since, stands.warnings, \
    stands.paused_until, stands.full_at, stands.floor_at, stands.floor_place))";

/// How a queue is held: its token, and whether anybody holds it.
type Lease = (u64, bool);
/// A delivery that is settled, with the endpoint that it is owed to.
type Outcome<'a> = (WebhookId, &'a Settled);

/// Settles deliveries; says whose queues were still held.
pub(super) async fn settle(db: &Postgres, settlements: &[Settlement]) -> Result<Vec<WebhookId>, Fault> {
    let mut tx = gate::begin(db).await?;
    let leases = lock(&mut tx, settlements).await?;
    let is_held = |settlement: &&Settlement| leases.get(&settlement.endpoint) == Some(&(settlement.token, true));
    let there = settlements.iter().filter(|settlement| leases.contains_key(&settlement.endpoint));
    let calls: Vec<attempts::Call<'_>> = there.flat_map(calls).collect();
    let repeated = attempts::keep(&mut tx, &calls).await?;
    let held: Vec<&Settlement> = settlements.iter().filter(is_held).collect();
    let is_new = |(endpoint, settled): &Outcome<'_>| {
        settled.attempt.as_ref().is_none_or(|attempt| !repeated.has(&(*endpoint, settled, attempt)))
    };
    let outcomes = held.iter().flat_map(|held| held.settled.iter().map(|settled| (held.endpoint, settled)));
    let (again, done): (Vec<_>, Vec<_>) =
        outcomes.filter(is_new).partition(|(_, settled)| matches!(settled.ruling, DeliveryRuling::Retry(_)));
    let mut earliest = retry(&mut tx, &again).await?;
    for (endpoint, due_at) in self::done(&mut tx, &done).await? {
        lower(&mut earliest, endpoint, due_at);
    }
    stand(&mut tx, &held, &earliest).await?;
    tx.commit().await?;
    Ok(held.iter().map(|settlement| settlement.endpoint).collect())
}

fn calls(settlement: &Settlement) -> impl Iterator<Item = attempts::Call<'_>> {
    let made = settlement.settled.iter().filter_map(|settled| Some((settled, settled.attempt.as_ref()?)));
    made.map(|(settled, attempt)| (settlement.endpoint, settled, attempt))
}

async fn lock(conn: &mut PgConnection, settlements: &[Settlement]) -> Result<HashMap<WebhookId, Lease>, Fault> {
    let endpoints = row::uuids(settlements.iter().map(|settlement| settlement.endpoint));
    let rows = sqlx::query(LOCK).bind(endpoints).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((WebhookId::from_bytes(row.id(0)?), (row.count(1)?, row.at(2)?)))).collect()
}

/// Since when something is due of each endpoint that was not.
type Earliest = BTreeMap<WebhookId, Timestamp>;

fn lower(earliest: &mut Earliest, endpoint: WebhookId, due_at: Timestamp) {
    let known = earliest.entry(endpoint).or_insert(due_at);
    *known = due_at.min(*known);
}

async fn retry(conn: &mut PgConnection, again: &[Outcome<'_>]) -> Result<Earliest, Fault> {
    let mut earliest = Earliest::new();
    if again.is_empty() {
        return Ok(earliest);
    }
    let mut times = Vec::with_capacity(again.len());
    for (endpoint, settled) in again {
        let DeliveryRuling::Retry(at) = settled.ruling else { continue };
        lower(&mut earliest, *endpoint, at);
        times.push(Moment(at));
    }
    sqlx::query(RETRY)
        .bind(again.iter().map(|(_, settled)| Moment(settled.created_at)).collect::<Vec<_>>())
        .bind(again.iter().map(|(_, settled)| settled.id.to_uuid()).collect::<Vec<_>>())
        .bind(row::uuids(again.iter().map(|(endpoint, _)| *endpoint)))
        .bind(times)
        .bind(again.iter().map(|(_, settled)| i64::from(settled.attempt.is_some())).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    Ok(earliest)
}

/// Takes deliveries off what is owed; the next of their keys is due. Says of which endpoints, and since when.
async fn done(conn: &mut PgConnection, done: &[Outcome<'_>]) -> Result<Vec<(WebhookId, Timestamp)>, Fault> {
    if done.is_empty() {
        return Ok(Vec::new());
    }
    let reason = |settled: &Settled| match &settled.ruling {
        DeliveryRuling::Fail(reason) => Some(fit(reason).into_owned()),
        DeliveryRuling::Delivered | DeliveryRuling::Retry(_) => None,
    };
    let failure = |attempt: &Attempt| attempt.result.failure.as_ref().map_or("", |failure| failure.class.as_str());
    let ended_at = |settled: &Settled| match &settled.attempt {
        Some(attempt) => Moment(attempt.at + attempt.duration),
        None => Moment(settled.created_at),
    };
    let rows = sqlx::query(DONE)
        .bind(done.iter().map(|(_, settled)| Moment(settled.created_at)).collect::<Vec<_>>())
        .bind(done.iter().map(|(_, settled)| settled.id.to_uuid()).collect::<Vec<_>>())
        .bind(row::uuids(done.iter().map(|(endpoint, _)| *endpoint)))
        .bind(done.iter().map(|(_, settled)| reason(settled)).collect::<Vec<_>>())
        .bind(done.iter().map(|(_, settled)| settled.attempt.as_ref().map(failure)).collect::<Vec<_>>())
        .bind(done.iter().map(|(_, settled)| ended_at(settled)).collect::<Vec<_>>())
        .fetch_all(&mut *conn)
        .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let endpoints = rows.iter().map(|row| row.at(0)).collect::<Result<Vec<Uuid>, _>>()?;
    let keys = rows.iter().map(|row| row.at(1)).collect::<Result<Vec<i64>, _>>()?;
    let times = rows.iter().map(|row| row.at(2)).collect::<Result<Vec<Moment>, _>>()?;
    sqlx::query(NEXT).bind(&endpoints).bind(keys).bind(&times).execute(conn).await?;
    let due = endpoints.into_iter().map(|endpoint| WebhookId::from_bytes(endpoint.into_bytes()));
    Ok(due.zip(times.into_iter().map(|at| at.0)).collect())
}

async fn stand(conn: &mut PgConnection, held: &[&Settlement], earliest: &Earliest) -> Result<(), Fault> {
    if held.is_empty() {
        return Ok(());
    }
    let low = |settlement: &&Settlement| earliest.get(&settlement.endpoint).copied().map(Moment);
    let called = |settled: &Settled| settled.attempt.as_ref().map(|attempt| Moment(attempt.at));
    let high = |settlement: &&Settlement| settlement.settled.iter().filter_map(called).max_by_key(|at| at.0);
    let query = sqlx::query(STAND).bind(row::uuids(held.iter().map(|settlement| settlement.endpoint)));
    bind_standings(query, held)
        .bind(held.iter().map(|settlement| settlement.hold == Hold::Release).collect::<Vec<_>>())
        .bind(held.iter().map(low).collect::<Vec<_>>())
        .bind(held.iter().map(high).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    Ok(())
}
