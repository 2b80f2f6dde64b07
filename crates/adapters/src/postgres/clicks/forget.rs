//! Retention: whole days go at once, and row by row only what is old of the day that the moment lies in.

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _};

use super::KEPT;
use crate::postgres::columns::{Columns as _, Moment, number};
use crate::postgres::days::{self, Day, Part};
use crate::postgres::error::Fault;

const ROWS: &str = "DELETE FROM waypost_click WHERE at >= $1 AND at < $2 AND (workspace, id, at) IN \
    (SELECT workspace, id, at FROM waypost_click WHERE at >= $1 AND at < $2 ORDER BY at LIMIT $3)";
/// How many days go in one call; a store that is given shorter retention after years takes some calls.
const MOST_DAYS: i64 = 32;
/// Up to how many clicks of a day are counted before it goes: beyond, counting takes longer than dropping.
const MOST_COUNTED: u64 = 1_000_000;

/// Removes what was made before `before`: whole days until `limit` is reached, then rows up to it.
pub(super) async fn forget(conn: &mut PgConnection, before: Timestamp, limit: usize) -> Result<u64, Fault> {
    if !days::lock(conn, &KEPT).await? {
        return Ok(0);
    }
    let limit = limit as u64;
    let straddled = Day::of(before);
    let mut removed = 0;
    for part in days::parts(conn, "waypost_click", straddled, MOST_DAYS).await? {
        if removed >= limit {
            break;
        }
        removed += drop_day(conn, part).await?;
    }
    if removed < limit {
        let query = sqlx::query(ROWS).bind(Moment(straddled.start())).bind(Moment(before));
        removed += query.bind(number(limit - removed)).execute(&mut *conn).await?.rows_affected();
    }
    days::unlock(conn, &KEPT).await?;
    Ok(removed)
}

/// Takes a day off and drops it; says how many clicks it held.
async fn drop_day(conn: &mut PgConnection, mut part: Part) -> Result<u64, Fault> {
    part.detach(conn).await?;
    let count = format!("SELECT count(*) FROM (SELECT FROM {} LIMIT {MOST_COUNTED}) AS counted", part.name);
    let count = conn.fetch_one(AssertSqlSafe(count)).await?.count(0)?;
    part.drop(conn).await?;
    Ok(count)
}
