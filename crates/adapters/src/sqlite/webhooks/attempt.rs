//! A call as columns.

use std::time::Duration;

use sqlx::sqlite::SqliteRow;
use waypost_core::webhooks::{Attempt, AttemptResult, Failure, FailureClass};

use crate::sqlite::columns::{Columns as _, Query, micros, number};
use crate::sqlite::error::Fault;

/// The columns of a call, in the order of [`bind`] and [`read`].
macro_rules! attempt_columns {
    () => {
        "a.made_at, a.number, a.duration, a.status, a.failure, a.detail, a.excerpt, a.traceparent"
    };
}
pub(super) use attempt_columns;

/// How many they are.
pub(super) const VALUES: usize = 8;

/// Binds a call.
pub(super) fn bind<'q>(query: Query<'q>, attempt: &Attempt) -> Query<'q> {
    let failure = attempt.result.failure.as_ref();
    query
        .bind(micros(attempt.at))
        .bind(attempt.number)
        .bind(number(attempt.duration.as_micros()))
        .bind(attempt.result.status)
        .bind(failure.map(|failure| failure.class.as_str()))
        .bind(failure.map(|failure| failure.detail.clone()))
        .bind(attempt.result.excerpt.clone())
        .bind(attempt.traceparent.clone())
}

/// Reads a call whose columns begin at `from`.
pub(super) fn read(row: &SqliteRow, from: usize) -> Result<Attempt, Fault> {
    let failure = match row.at::<Option<&str>>(from + 4)? {
        None => None,
        Some(class) => {
            let class = FailureClass::parse(class).ok_or(Fault::Column("failure"))?;
            Some(Failure { class, detail: row.at(from + 5)? })
        }
    };
    let result = AttemptResult { status: row.at(from + 3)?, failure, excerpt: row.at(from + 6)? };
    let duration = Duration::from_micros(row.count(from + 2)?);
    Ok(Attempt { number: row.at(from + 1)?, at: row.time(from)?, duration, result, traceparent: row.at(from + 7)? })
}
