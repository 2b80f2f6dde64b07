//! Removing days.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _};

use super::{DailyTables, Day, daily_lock};
use crate::postgres::columns::Columns as _;
use crate::postgres::error::Fault;

/// Whoever comes second leaves the work to the first.
const LOCK: &str = concat!("SELECT pg_try_advisory_lock", daily_lock!());
const UNLOCK: &str = concat!("SELECT pg_advisory_unlock", daily_lock!());
/// The days of table `$1` before partition `$2`, oldest first: whether each is still a partition, and whether its detaching
/// was begun. One that is no partition any more was not dropped by whoever detached it.
const OLD: &str = "SELECT c.relname::text, i.inhrelid IS NOT NULL, coalesce(i.inhdetachpending, false) FROM pg_class c \
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid \
    WHERE c.relkind = 'r' AND c.relname ~ ('^' || $1 || '_[0-9]{8}$') AND c.relname::text COLLATE \"C\" < $2 \
    AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass($1)) ORDER BY c.relname LIMIT $3";

/// Takes the lock of tables for the session; says whether it was free.
pub(in crate::postgres) async fn lock(conn: &mut PgConnection, tables: &DailyTables) -> Result<bool, Fault> {
    sqlx::query(LOCK).bind(tables.name).fetch_one(conn).await?.at(0)
}

/// Gives the lock back.
pub(in crate::postgres) async fn unlock(conn: &mut PgConnection, tables: &DailyTables) -> Result<(), Fault> {
    sqlx::query(UNLOCK).bind(tables.name).execute(conn).await?;
    Ok(())
}

/// One day of one table.
#[derive(Clone, Debug)]
pub(in crate::postgres) struct Part {
    /// The day.
    pub(in crate::postgres) day: Day,
    /// Its table.
    pub(in crate::postgres) name: String,
    table: &'static str,
    is_attached: bool,
    is_pending: bool,
}

/// The first `most` days of `table` that lie before `day`, oldest first.
pub(in crate::postgres) async fn parts(
    conn: &mut PgConnection,
    table: &'static str,
    day: Day,
    most: i64,
) -> Result<Vec<Part>, Fault> {
    let query = sqlx::query(OLD).bind(table).bind(day.part_of(table)).bind(most);
    let mut parts = Vec::new();
    for row in query.fetch_all(conn).await? {
        let name: String = row.at(0)?;
        // Eight digits that are no date are somebody else's.
        if let Some(day) = Day::of_part(&name) {
            parts.push(Part { day, name, table, is_attached: row.at(1)?, is_pending: row.at(2)? });
        }
    }
    Ok(parts)
}

impl Part {
    /// Takes it off its table. `CONCURRENTLY` waits for those who are at work on the table, and nobody waits for it; it is
    /// two transactions, and what remains when the second does not come about is finished by the next call.
    pub(in crate::postgres) async fn detach(&mut self, conn: &mut PgConnection) -> Result<(), Fault> {
        if self.is_attached {
            let how = if self.is_pending { "FINALIZE" } else { "CONCURRENTLY" };
            let detach = format!("ALTER TABLE {} DETACH PARTITION {} {how}", self.table, self.name);
            conn.execute(AssertSqlSafe(detach)).await?;
            (self.is_attached, self.is_pending) = (false, false);
        }
        Ok(())
    }

    /// Makes it part of its table again, if it is not.
    pub(in crate::postgres) async fn attach(&mut self, conn: &mut PgConnection) -> Result<(), Fault> {
        if self.is_pending {
            self.detach(conn).await?;
        }
        if !self.is_attached {
            conn.execute(AssertSqlSafe(self.day.attach(self.table))).await?;
            self.is_attached = true;
        }
        Ok(())
    }

    /// Drops it.
    pub(in crate::postgres) async fn drop(self, conn: &mut PgConnection) -> Result<(), Fault> {
        conn.execute(AssertSqlSafe(format!("DROP TABLE IF EXISTS {}", self.name))).await?;
        Ok(())
    }
}
