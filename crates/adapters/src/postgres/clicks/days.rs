//! The days of clicks, each a partition.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, Executor as _};
use waypost_core::clicks::{Click, Interval};

use crate::postgres::columns::Columns as _;
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;

/// One node at a time makes days, or removes them.
macro_rules! day_lock {
    () => {
        "(hashtextextended('waypost days ' || current_schema(), 0))"
    };
}
pub(super) use day_lock;

const LOCK: &str = concat!("SELECT pg_advisory_xact_lock", day_lock!());
const IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'waypost_click'::regclass AND inhrelid = to_regclass($1))";
/// How many days are remembered: some years of them.
const MOST_KNOWN: usize = 2_000;

/// A day (UTC), by its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(Timestamp);

impl Day {
    /// The day that `at` lies in.
    pub(super) fn of(at: Timestamp) -> Self {
        Self(Interval::Day.floor(at))
    }

    /// When it begins.
    pub(super) fn start(self) -> Timestamp {
        self.0
    }

    /// Its partition. Names sort as days do.
    pub(super) fn table(self) -> String {
        format!("waypost_click_{}", self.0.to_zoned(TimeZone::UTC).strftime("%Y%m%d"))
    }

    fn next(self) -> Self {
        Self(self.0.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX))
    }

    /// `ATTACH` lets those who read and write the other days go on; `CREATE … PARTITION OF` would not. A table that is
    /// there already was detached by a retention that did not come to its end.
    fn make(self) -> String {
        let (table, next) = (self.table(), self.next().0);
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (LIKE waypost_click); \
             ALTER TABLE waypost_click ATTACH PARTITION {table} FOR VALUES FROM ('{}') TO ('{next}')",
            self.0
        )
    }
}

/// Makes the days that clicks need. Clones remember the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Days {
    known: Arc<Mutex<BTreeSet<Day>>>,
}

impl Days {
    /// Sees to it that the days of `clicks` are there, and the day after them, so that at midnight nobody has to wait.
    pub(super) async fn make(&self, db: &Postgres, clicks: &[Click]) -> Result<(), Fault> {
        let missing = self.unknown(clicks);
        if missing.is_empty() {
            return Ok(());
        }
        let mut tx = db.begin().await?;
        // What is looked at next is then what others have left.
        tx.execute(LOCK).await?;
        for day in &missing {
            let row = sqlx::query(IS_THERE).bind(day.table()).fetch_one(&mut *tx).await?;
            if !row.at::<bool>(0)? {
                tx.execute(AssertSqlSafe(day.make())).await?;
            }
        }
        tx.commit().await?;
        self.known().extend(missing);
        Ok(())
    }

    /// Forgets which days are there: somebody may have removed one.
    pub(super) fn doubt(&self) {
        self.known().clear();
    }

    fn unknown(&self, clicks: &[Click]) -> BTreeSet<Day> {
        let mut known = self.known();
        if known.len() > MOST_KNOWN {
            known.clear();
        }
        let mut days: BTreeSet<_> = clicks.iter().map(|click| Day::of(click.at)).collect();
        days.extend(days.last().map(|last| last.next()));
        days.retain(|day| !known.contains(day));
        days
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<Day>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
