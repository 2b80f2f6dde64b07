//! Tables that are kept by the day: each day (UTC) is a partition, made when its first row comes and dropped as a whole.

mod day;
mod make;
mod old;

pub(super) use day::Day;
pub(super) use make::Days;
pub(super) use old::{Part, lock, parts, unlock};

/// Tables whose days come and go together.
#[derive(Debug)]
pub(super) struct DailyTables {
    /// What their lock is named after. One node at a time makes days, or removes them.
    pub(super) name: &'static str,
    /// The tables, each partitioned by range of a moment.
    pub(super) tables: &'static [&'static str],
}

/// The lock of such tables in this schema, whose name is the first parameter.
macro_rules! daily_lock {
    () => {
        "(hashtextextended($1::text || current_schema(), 0))"
    };
}
use daily_lock;
