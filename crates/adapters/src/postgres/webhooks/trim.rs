//! Retention: whole days go at once, and none of which something is owed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _};

use super::{KEPT, endpoints};
use crate::postgres::columns::{Columns as _, Moment};
use crate::postgres::days::{self, Day, Part};
use crate::postgres::error::Fault;

/// How many days of a table are looked at in one call.
const MOST_DAYS: i64 = 1_000;
/// How many days go in one call; a store that is given shorter retention after years takes some calls.
const MOST_FORGOTTEN: usize = 32;
/// How many measures are removed by one statement.
const MEASURES: i64 = 20_000;
pub(in crate::postgres) const IS_OWED: &str =
    "SELECT EXISTS (SELECT FROM waypost_delivery_owed WHERE created_at >= $1 AND created_at < $2)";
pub(in crate::postgres) const HOURS: &str = "DELETE FROM waypost_webhook_hour WHERE (endpoint, hour) IN \
    (SELECT endpoint, hour FROM waypost_webhook_hour WHERE hour < $1 ORDER BY hour LIMIT $2)";

/// Forgets the days that ended before `before`; says of how many something was kept.
pub(super) async fn trim(conn: &mut PgConnection, before: Timestamp) -> Result<usize, Fault> {
    if !days::lock(conn, &KEPT).await? {
        return Ok(0);
    }
    let mut old: BTreeMap<Day, Vec<Part>> = BTreeMap::new();
    for table in KEPT.tables {
        for part in days::parts(conn, table, Day::of(before), MOST_DAYS).await? {
            old.entry(part.day).or_default().push(part);
        }
    }
    endpoints::remove_left(conn).await?;
    let mut forgotten = 0;
    for (day, parts) in old {
        if forgotten == MOST_FORGOTTEN {
            break;
        }
        forgotten += usize::from(forget(conn, day, parts).await?);
    }
    let end = Moment(Day::of(before).start());
    while sqlx::query(HOURS).bind(end).bind(MEASURES).execute(&mut *conn).await?.rows_affected() > 0 {}
    days::unlock(conn, &KEPT).await?;
    Ok(forgotten)
}

/// Drops a day, unless something of it is owed; says whether anything was kept of it that is gone now.
async fn forget(conn: &mut PgConnection, day: Day, mut parts: Vec<Part>) -> Result<bool, Fault> {
    if is_owed(conn, day).await? {
        give_back(conn, parts).await?;
        return Ok(false);
    }
    let mut is_empty = true;
    for place in 0..parts.len() {
        let held = format!("SELECT EXISTS (SELECT FROM {})", parts[place].name);
        is_empty &= !conn.fetch_one(AssertSqlSafe(held)).await?.at::<bool>(0)?;
        parts[place].detach(conn).await?;
        // The deliveries are off first: whoever wants one of them owed again has it so by now, or finds it gone.
        if place == 0 && is_owed(conn, day).await? {
            give_back(conn, parts).await?;
            return Ok(false);
        }
    }
    for part in parts {
        part.drop(conn).await?;
    }
    Ok(!is_empty)
}

async fn is_owed(conn: &mut PgConnection, day: Day) -> Result<bool, Fault> {
    let query = sqlx::query(IS_OWED).bind(Moment(day.start())).bind(Moment(day.next().start()));
    query.fetch_one(conn).await?.at(0)
}

/// Makes a day whole again that was taken off too soon, now or by one who died over it.
async fn give_back(conn: &mut PgConnection, parts: Vec<Part>) -> Result<(), Fault> {
    for mut part in parts {
        part.attach(conn).await?;
    }
    Ok(())
}
