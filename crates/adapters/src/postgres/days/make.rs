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
const TRY_LOCK: &str = concat!("SELECT pg_try_advisory_xact_lock", daily_lock!());
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

/// Days that are not known to be there: those of rows, and the one after them.
struct Wanted {
    days: BTreeSet<Day>,
    ahead: Option<Day>,
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
        let Wanted { days, ahead } = self.unknown(moments);
        // Most days are there, made a day ahead or by another node: to see that, nobody waits for who removes old ones.
        let missing = self.missing(db, days.iter().chain(&ahead).copied()).await?;
        if missing.is_empty() {
            self.known().extend(days.into_iter().chain(ahead));
            return Ok(());
        }
        let mut tx = db.begin().await?;
        if missing.iter().all(|day| ahead == Some(*day)) {
            // That one has time: it is made in a later call, if somebody is at work on days.
            let row = sqlx::query(TRY_LOCK).bind(self.tables.name).fetch_one(&mut *tx).await?;
            if !row.at::<bool>(0)? {
                self.known().extend(days);
                return tx.rollback().await;
            }
        } else {
            // What is looked at next is then what others have left.
            sqlx::query(LOCK).bind(self.tables.name).execute(&mut *tx).await?;
        }
        for day in &missing {
            for table in self.tables.tables {
                let row = sqlx::query(IS_THERE).bind(table).bind(day.part_of(table)).fetch_one(&mut *tx).await?;
                if !row.at::<bool>(0)? {
                    tx.execute(AssertSqlSafe(day.make(table))).await?;
                }
            }
        }
        tx.commit().await?;
        self.known().extend(days.into_iter().chain(ahead));
        Ok(())
    }

    /// Those days of which a table has none.
    async fn missing(&self, db: &Postgres, days: impl Iterator<Item = Day>) -> Result<BTreeSet<Day>, Fault> {
        let mut missing = BTreeSet::new();
        let mut conn = None;
        for day in days {
            let conn = match &mut conn {
                Some(conn) => conn,
                none => none.insert(db.connection().await?),
            };
            for table in self.tables.tables {
                let row = sqlx::query(IS_THERE).bind(table).bind(day.part_of(table)).fetch_one(&mut **conn).await?;
                if !row.at::<bool>(0)? {
                    missing.insert(day);
                }
            }
        }
        if let Some(conn) = conn {
            conn.done(());
        }
        Ok(missing)
    }

    /// Forgets which days are there: somebody may have removed one.
    pub(in crate::postgres) fn doubt(&self) {
        self.known().clear();
    }

    fn unknown(&self, moments: impl Iterator<Item = Timestamp>) -> Wanted {
        let mut known = self.known();
        if known.len() > MOST_KNOWN {
            known.clear();
        }
        let mut days: BTreeSet<_> = moments.map(Day::of).collect();
        let ahead = days.last().map(|last| last.next()).filter(|day| !known.contains(day));
        days.retain(|day| !known.contains(day));
        Wanted { days, ahead }
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<Day>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
