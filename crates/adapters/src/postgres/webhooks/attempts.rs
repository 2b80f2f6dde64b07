//! Calls that were made, and what they add up to.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use waypost_core::clicks::Interval;
use waypost_core::ids::WebhookId;
use waypost_core::webhooks::{Attempt, Measures, Settled};

use crate::postgres::columns::{Columns as _, Moment, number};
use crate::postgres::error::Fault;

/// Tells which calls were new only if some were not, as after a settlement whose outcome was not known.
pub(super) const INSERT: &str = "WITH kept AS (INSERT INTO waypost_attempt \
    (endpoint, id, created_at, at, number, duration, status, failure, detail, excerpt, traceparent) \
    SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::int8[], $6::int8[], \
    $7::int4[], $8::text[], $9::text[], $10::text[], $11::text[]) ON CONFLICT DO NOTHING RETURNING endpoint, id, at, number), \
    fewer AS (SELECT * FROM kept WHERE (SELECT count(*) FROM kept) < cardinality($1)) \
    SELECT (SELECT count(*) FROM kept), coalesce(array_agg(endpoint), '{}'), coalesce(array_agg(id), '{}'), \
    coalesce(array_agg(at), '{}'), coalesce(array_agg(number), '{}') FROM fewer";
/// The counts by class travel as the text of an array each.
pub(super) const COUNT: &str = "INSERT INTO waypost_webhook_hour AS had (endpoint, hour, succeeded, failed, durations) \
    SELECT endpoint, hour, succeeded, failed, durations::int8[] FROM UNNEST($1::uuid[], $2::timestamptz[], $3::int8[], \
    $4::int8[], $5::text[]) AS given (endpoint, hour, succeeded, failed, durations) \
    ON CONFLICT (endpoint, hour) DO UPDATE SET succeeded = had.succeeded + excluded.succeeded, \
    failed = had.failed + excluded.failed, durations = ARRAY(SELECT own + more \
    FROM UNNEST(had.durations, excluded.durations) WITH ORDINALITY AS class (own, more, nth) ORDER BY nth)";

/// A call of an endpoint.
pub(super) type Call<'a> = (WebhookId, &'a Settled, &'a Attempt);
/// What tells calls apart.
type Name = (Uuid, Uuid, Timestamp, i64);

fn name((endpoint, settled, attempt): &Call<'_>) -> Name {
    (endpoint.to_uuid(), settled.id.to_uuid(), micros(attempt.at), i64::from(attempt.number))
}

/// As fine as the server keeps a moment.
fn micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Calls that were kept before, and so were the outcomes that they came with.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    /// The new ones, if not all are.
    fresh: Option<HashSet<Name>>,
}

impl Repeated {
    /// Whether this call is one of them.
    pub(super) fn has(&self, call: &Call<'_>) -> bool {
        self.fresh.as_ref().is_some_and(|fresh| !fresh.contains(&name(call)))
    }
}

/// Keeps calls, and counts those that are new.
pub(super) async fn keep(conn: &mut PgConnection, calls: &[Call<'_>]) -> Result<Repeated, Fault> {
    if calls.is_empty() {
        return Ok(Repeated::default());
    }
    let repeated = insert(conn, calls).await?;
    count(conn, calls.iter().filter(|call| !repeated.has(call))).await?;
    Ok(repeated)
}

async fn insert(conn: &mut PgConnection, calls: &[Call<'_>]) -> Result<Repeated, Fault> {
    fn column<'a, T>(calls: &[Call<'a>], value: impl Fn(&'a Attempt) -> T) -> Vec<T> {
        calls.iter().map(|(_, _, attempt)| value(attempt)).collect()
    }
    let failure = |attempt: &'_ Attempt| attempt.result.failure.as_ref().map(|failure| failure.class.as_str());
    let row = sqlx::query(INSERT)
        .bind(calls.iter().map(|(endpoint, ..)| endpoint.to_uuid()).collect::<Vec<_>>())
        .bind(calls.iter().map(|(_, settled, _)| settled.id.to_uuid()).collect::<Vec<_>>())
        .bind(calls.iter().map(|(_, settled, _)| Moment(settled.created_at)).collect::<Vec<_>>())
        .bind(column(calls, |attempt| Moment(attempt.at)))
        .bind(column(calls, |attempt| i64::from(attempt.number)))
        .bind(column(calls, |attempt| number(attempt.duration.as_micros())))
        .bind(column(calls, |attempt| attempt.result.status.map(i32::from)))
        .bind(column(calls, failure))
        .bind(column(calls, |attempt| attempt.result.failure.as_ref().map(|failure| fit(&failure.detail))))
        .bind(column(calls, |attempt| fit(&attempt.result.excerpt)))
        .bind(column(calls, |attempt| attempt.traceparent.as_deref().map(fit)))
        .fetch_one(conn)
        .await?;
    if row.count(0)? == calls.len() as u64 {
        return Ok(Repeated::default());
    }
    let (endpoints, ids): (Vec<Uuid>, Vec<Uuid>) = (row.at(1)?, row.at(2)?);
    let (times, numbers): (Vec<Moment>, Vec<i64>) = (row.at(3)?, row.at(4)?);
    let names = endpoints.into_iter().zip(ids).zip(times.into_iter().zip(numbers));
    let fresh = names.map(|((endpoint, id), (at, number))| (endpoint, id, at.0, number)).collect();
    Ok(Repeated { fresh: Some(fresh) })
}

async fn count<'a>(conn: &mut PgConnection, calls: impl Iterator<Item = &'a Call<'a>>) -> Result<(), Fault> {
    let mut hours: BTreeMap<(WebhookId, Timestamp), Measures> = BTreeMap::new();
    for (endpoint, _, attempt) in calls {
        hours.entry((*endpoint, Interval::Hour.floor(attempt.at))).or_default().count(attempt);
    }
    if hours.is_empty() {
        return Ok(());
    }
    let classes = |measures: &Measures| format!("{{{}}}", measures.durations.map(|count| count.to_string()).join(","));
    sqlx::query(COUNT)
        .bind(hours.keys().map(|(endpoint, _)| endpoint.to_uuid()).collect::<Vec<_>>())
        .bind(hours.keys().map(|(_, hour)| Moment(*hour)).collect::<Vec<_>>())
        .bind(hours.values().map(|measures| number(measures.succeeded)).collect::<Vec<_>>())
        .bind(hours.values().map(|measures| number(measures.failed)).collect::<Vec<_>>())
        .bind(hours.values().map(classes).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    Ok(())
}

/// What receivers write, brought to what PostgreSQL takes: a settlement that it refuses would be refused for ever.
pub(super) fn fit(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_cannot_hold_is_replaced() {
        assert!(matches!(fit("ok"), Cow::Borrowed("ok")));
        assert_eq!(fit("a\0b"), "a\u{fffd}b");
    }
}
