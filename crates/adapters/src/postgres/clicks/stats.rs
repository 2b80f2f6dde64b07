//! What roll-ups can answer.

use jiff::{SignedDuration, Timestamp};
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use waypost_core::clicks::{Bucket, Counts, Facet, Group, Interval, Stats, StatsQuery};

use super::row;
use crate::postgres::columns::{Columns as _, Moment, number};
use crate::postgres::error::Fault;

/// Added up where the hours are: a quarter has two thousand of them. `date_trunc` knows the intervals by our names, and
/// begins them where we do. The workspace stands in the totals: a link of another one has no row there for this one.
const SERIES: &str = "SELECT date_trunc($5, h.hour, 'UTC') AS start, sum(h.human)::bigint, sum(h.bot)::bigint, \
    sum(h.duplicate)::bigint FROM waypost_click_total t JOIN waypost_click_hour h ON h.link = t.link \
    WHERE t.link = $1 AND t.workspace = $2 AND h.hour >= $3 AND h.hour < $4 GROUP BY start ORDER BY start";
const GROUPS: &str = "SELECT value, sum(human)::bigint, sum(bot)::bigint, sum(duplicate)::bigint \
    FROM waypost_click_facet WHERE EXISTS (SELECT FROM waypost_click_total WHERE link = $1 AND workspace = $2) \
    AND link = $1 AND facet = $3 AND day >= $4 AND day < $5 \
    GROUP BY value ORDER BY sum(human) + sum(bot) + sum(duplicate) DESC, value LIMIT $6";

pub(super) async fn stats(conn: &mut PgConnection, query: &StatsQuery) -> Result<Stats, Fault> {
    let rows = sqlx::query(SERIES)
        .bind(Uuid::from_bytes(query.link.to_bytes()))
        .bind(Uuid::from_bytes(query.workspace.to_bytes()))
        .bind(Moment(Interval::Hour.floor(query.from)))
        .bind(Moment(ceil(Interval::Hour, query.to)))
        .bind(query.interval.as_str())
        .fetch_all(&mut *conn)
        .await?;
    let mut series = Vec::with_capacity(rows.len());
    let mut total = Counts::default();
    for row in &rows {
        let counts = row::read_counts(row, 1)?;
        total += counts;
        series.push(Bucket { start: row.time(0)?, counts });
    }
    let groups = match query.group_by {
        Some(facet) => groups(conn, query, facet).await?,
        None => Vec::new(),
    };
    Ok(Stats { total, series, groups })
}

async fn groups(conn: &mut PgConnection, query: &StatsQuery, facet: Facet) -> Result<Vec<Group>, Fault> {
    // Planned for these values: whoever does not know how many days and values there are plans for a handful, and then
    // sorts them all instead of adding them up.
    let rows = sqlx::query(GROUPS)
        .persistent(false)
        .bind(Uuid::from_bytes(query.link.to_bytes()))
        .bind(Uuid::from_bytes(query.workspace.to_bytes()))
        .bind(facet.as_str())
        .bind(Moment(Interval::Day.floor(query.from)))
        .bind(Moment(ceil(Interval::Day, query.to)))
        .bind(number(query.groups))
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            let value: String = row.at(0)?;
            Ok(Group { value: (!value.is_empty()).then_some(value), counts: row::read_counts(row, 1)? })
        })
        .collect()
}

/// The first beginning of an hour or day that is not before `at`.
fn ceil(interval: Interval, at: Timestamp) -> Timestamp {
    let floor = interval.floor(at);
    if floor == at {
        return at;
    }
    let width = if interval == Interval::Hour { 1 } else { 24 };
    floor.saturating_add(SignedDuration::from_hours(width)).unwrap_or(Timestamp::MAX)
}
