//! Retention: whole days go at once, and row by row only what is old of the day that the moment lies in.

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _};

use super::days::{Day, day_lock};
use crate::postgres::columns::{Columns as _, Moment, number};
use crate::postgres::error::Fault;

/// Whoever comes second leaves the work to the first.
const LOCK: &str = concat!("SELECT pg_try_advisory_lock", day_lock!());
const UNLOCK: &str = concat!("SELECT pg_advisory_unlock", day_lock!());
/// Days before `$1`, oldest first: whether each is still a partition, and whether its detaching was begun. One that is
/// no partition any more was not dropped by whoever detached it.
const OLD: &str = "SELECT c.relname::text, i.inhrelid IS NOT NULL, coalesce(i.inhdetachpending, false) FROM pg_class c \
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relkind = 'r' AND c.relname ~ '^waypost_click_[0-9]{8}$' \
    AND c.relname::text COLLATE \"C\" < $1 \
    AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'waypost_click'::regclass) \
    ORDER BY c.relname LIMIT $2";
const ROWS: &str = "DELETE FROM waypost_click WHERE at >= $1 AND at < $2 AND (workspace, id, at) IN \
    (SELECT workspace, id, at FROM waypost_click WHERE at >= $1 AND at < $2 ORDER BY at LIMIT $3)";
/// How many days go in one call; a store that is given shorter retention after years takes some calls.
const MOST_DAYS: i64 = 32;
/// Up to how many clicks of a day are counted before it goes: beyond, counting takes longer than dropping.
const MOST_COUNTED: u64 = 1_000_000;

/// Removes what was made before `before`: whole days until `limit` is reached, then rows up to it.
pub(super) async fn forget(conn: &mut PgConnection, before: Timestamp, limit: usize) -> Result<u64, Fault> {
    if !sqlx::query(LOCK).fetch_one(&mut *conn).await?.at::<bool>(0)? {
        return Ok(0);
    }
    let limit = limit as u64;
    let straddled = Day::of(before);
    let mut removed = 0;
    let old = sqlx::query(OLD).bind(straddled.table()).bind(MOST_DAYS).fetch_all(&mut *conn).await?;
    for row in &old {
        if removed >= limit {
            break;
        }
        removed += drop_day(conn, row.at(0)?, row.at(1)?, row.at(2)?).await?;
    }
    if removed < limit {
        let query = sqlx::query(ROWS).bind(Moment(straddled.start())).bind(Moment(before));
        removed += query.bind(number(limit - removed)).execute(&mut *conn).await?.rows_affected();
    }
    conn.execute(UNLOCK).await?;
    Ok(removed)
}

/// Takes a day off and drops it. `CONCURRENTLY` waits for those who are at work on the clicks, and nobody waits for it; it
/// is two transactions, and what remains when the second does not come about is finished by the next call.
async fn drop_day(conn: &mut PgConnection, day: &str, is_attached: bool, is_pending: bool) -> Result<u64, Fault> {
    if is_attached {
        let how = if is_pending { "FINALIZE" } else { "CONCURRENTLY" };
        let detach = format!("ALTER TABLE waypost_click DETACH PARTITION {day} {how}");
        conn.execute(AssertSqlSafe(detach)).await?;
    }
    let count = format!("SELECT count(*) FROM (SELECT FROM {day} LIMIT {MOST_COUNTED}) AS counted");
    let count = conn.fetch_one(AssertSqlSafe(count)).await?.count(0)?;
    conn.execute(AssertSqlSafe(format!("DROP TABLE IF EXISTS {day}"))).await?;
    Ok(count)
}
