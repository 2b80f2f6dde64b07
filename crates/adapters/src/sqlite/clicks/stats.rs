//! What roll-ups can answer.

use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::SqliteConnection;
use waypost_core::clicks::{Counts, Facet, Group, Interval, Stats, StatsQuery};

use super::row;
use crate::sqlite::columns::{Columns as _, micros, number};
use crate::sqlite::error::Fault;

/// The workspace stands in the totals: a link of another one has no row there for this one.
const HOURS: &str = "SELECT h.hour, h.human, h.bot, h.duplicate FROM waypost_click_total t \
    JOIN waypost_click_hour h ON h.link = t.link \
    WHERE t.link = ?1 AND t.workspace = ?2 AND h.hour >= ?3 AND h.hour < ?4 ORDER BY h.hour";
const GROUPS: &str = "SELECT f.value, sum(f.human), sum(f.bot), sum(f.duplicate) FROM waypost_click_total t \
    JOIN waypost_click_facet f ON f.link = t.link \
    WHERE t.link = ?1 AND t.workspace = ?2 AND f.facet = ?3 AND f.day >= ?4 AND f.day < ?5 \
    GROUP BY f.value ORDER BY sum(f.human + f.bot + f.duplicate) DESC, f.value LIMIT ?6";

pub(super) async fn stats(conn: &mut SqliteConnection, query: &StatsQuery) -> Result<Stats, Fault> {
    let rows = sqlx::query(HOURS)
        .bind(&query.link.to_bytes()[..])
        .bind(&query.workspace.to_bytes()[..])
        .bind(micros(Interval::Hour.floor(query.from)))
        .bind(micros(ceil(Interval::Hour, query.to)))
        .fetch_all(&mut *conn)
        .await?;
    let mut hours = Vec::with_capacity(rows.len());
    let mut total = Counts::default();
    for row in &rows {
        let counts = row::read_counts(row, 1)?;
        total += counts;
        hours.push((row.time(0)?, counts));
    }
    let groups = match query.group_by {
        Some(facet) => groups(conn, query, facet).await?,
        None => Vec::new(),
    };
    Ok(Stats { total, series: query.series(hours), groups })
}

async fn groups(conn: &mut SqliteConnection, query: &StatsQuery, facet: Facet) -> Result<Vec<Group>, Fault> {
    let rows = sqlx::query(GROUPS)
        .bind(&query.link.to_bytes()[..])
        .bind(&query.workspace.to_bytes()[..])
        .bind(facet.as_str())
        .bind(micros(Interval::Day.floor(query.from)))
        .bind(micros(ceil(Interval::Day, query.to)))
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
