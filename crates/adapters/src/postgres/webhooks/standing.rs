//! How an endpoint stands, in the row of its queue.

use sqlx::postgres::PgRow;
use waypost_core::webhooks::{Settlement, Standing};

use crate::postgres::columns::{Columns as _, Moment, Query};
use crate::postgres::error::Fault;

/// What [`standing`] reads.
macro_rules! standing_columns {
    () => {
        "failures, failing_since, warnings, paused_until, full_at"
    };
}
pub(super) use standing_columns;

/// Reads how an endpoint stands; its columns begin at `from`.
pub(super) fn standing(row: &PgRow, from: usize) -> Result<Standing, Fault> {
    Ok(Standing {
        failures: row.count(from)?.try_into().map_err(|_| Fault::Column("failures"))?,
        failing_since: row.maybe_time(from + 1)?,
        warnings: row.at::<i16>(from + 2)?.try_into().map_err(|_| Fault::Column("warnings"))?,
        paused_until: row.maybe_time(from + 3)?,
        full_at: row.maybe_time(from + 4)?,
    })
}

/// Binds how endpoints stand by the column, for `UNNEST`.
pub(super) fn bind_standings<'q>(query: Query<'q>, settlements: &[&Settlement]) -> Query<'q> {
    fn column<T>(settlements: &[&Settlement], value: impl Fn(&Standing) -> T) -> Vec<T> {
        settlements.iter().map(|settlement| value(&settlement.standing)).collect()
    }
    query
        .bind(column(settlements, |standing| i64::from(standing.failures)))
        .bind(column(settlements, |standing| standing.failing_since.map(Moment)))
        .bind(column(settlements, |standing| i16::from(standing.warnings)))
        .bind(column(settlements, |standing| standing.paused_until.map(Moment)))
        .bind(column(settlements, |standing| standing.full_at.map(Moment)))
}
