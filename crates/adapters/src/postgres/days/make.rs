//! Making days.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Executor as _};

use super::{DailyTables, Day, daily_lock};
use crate::postgres::columns::Columns as _;
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;

const LOCK: &str = concat!("SELECT pg_advisory_xact_lock", daily_lock!());
const IS_THERE: &str =
    "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhparent = to_regclass($1) AND inhrelid = to_regclass($2))";
/// How many days are remembered: some years of them.
const MOST_KNOWN: usize = 2_000;

/// Makes the days that rows need. Clones remember the same ones.
#[derive(Clone, Debug)]
pub(in crate::postgres) struct Days {
    tables: &'static DailyTables,
    known: Arc<Mutex<BTreeSet<Day>>>,
}

impl Days {
    /// The days of these tables.
    pub(in crate::postgres) fn of(tables: &'static DailyTables) -> Self {
        Self { tables, known: Arc::default() }
    }

    /// Sees to it that the days of these moments are there, and the day after them, so that at midnight nobody has to
    /// wait.
    pub(in crate::postgres) async fn make(
        &self,
        db: &Postgres,
        moments: impl Iterator<Item = Timestamp>,
    ) -> Result<(), Fault> {
        let missing = self.unknown(moments);
        if missing.is_empty() {
            return Ok(());
        }
        let mut tx = db.begin().await?;
        // What is looked at next is then what others have left.
        sqlx::query(LOCK).bind(self.tables.name).execute(&mut *tx).await?;
        for day in &missing {
            for table in self.tables.tables {
                let row = sqlx::query(IS_THERE).bind(table).bind(day.part_of(table)).fetch_one(&mut *tx).await?;
                if !row.at::<bool>(0)? {
                    tx.execute(AssertSqlSafe(day.make(table))).await?;
                }
            }
        }
        tx.commit().await?;
        self.known().extend(missing);
        Ok(())
    }

    /// Forgets which days are there: somebody may have removed one.
    pub(in crate::postgres) fn doubt(&self) {
        self.known().clear();
    }

    fn unknown(&self, moments: impl Iterator<Item = Timestamp>) -> BTreeSet<Day> {
        let mut known = self.known();
        if known.len() > MOST_KNOWN {
            known.clear();
        }
        let mut days: BTreeSet<_> = moments.map(Day::of).collect();
        days.extend(days.last().map(|last| last.next()));
        days.retain(|day| !known.contains(day));
        days
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<Day>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
