//! What was set aside, and what waits.

use sqlx::postgres::PgRow;
use waypost_core::outbox::{Backlog, DeadEntry};

use super::gate;
use crate::postgres::columns::{Columns as _, number};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;
use crate::postgres::events::row::{self, event_columns};

const DEAD: &str =
    concat!("SELECT entry, reason, ", event_columns!(), " FROM waypost_outbox_dead ORDER BY entry LIMIT $1");
/// The entry keeps its number, and with it its place among those of its key.
const REDRIVE: &str = concat!(
    "WITH back AS (DELETE FROM waypost_outbox_dead WHERE entry IN \
     (SELECT entry FROM waypost_outbox_dead ORDER BY entry LIMIT $1) RETURNING *) \
     INSERT INTO waypost_outbox (entry, turn, token, ordering, ",
    event_columns!(),
    ") SELECT entry, (SELECT last_value FROM waypost_outbox_turn), token, ordering, ",
    event_columns!(),
    " FROM back"
);
const BACKLOG: &str = "SELECT (SELECT count(*) FROM waypost_outbox), \
    (SELECT created_at FROM waypost_outbox ORDER BY entry LIMIT 1), (SELECT count(*) FROM waypost_outbox_dead)";

/// The oldest of what was set aside.
pub(super) async fn dead(db: &Postgres, limit: usize) -> Result<Vec<DeadEntry>, Fault> {
    let mut conn = db.connection().await?;
    let rows = sqlx::query(DEAD).bind(number(limit)).fetch_all(&mut *conn).await?;
    let rows = conn.done(rows);
    let read = |row: &PgRow| Ok(DeadEntry { entry: row.count(0)?, reason: row.at(1)?, event: row::read(row, 2)? });
    rows.iter().map(read).collect()
}

/// Gives some of it back; says how many. Alone, so that two who do so at once do not give the same.
pub(super) async fn redrive(db: &Postgres, limit: usize) -> Result<u64, Fault> {
    let mut tx = gate::alone(db).await?;
    let back = sqlx::query(REDRIVE).bind(number(limit)).execute(&mut *tx).await?.rows_affected();
    tx.commit().await?;
    Ok(back)
}

/// Counts what waits.
pub(super) async fn backlog(db: &Postgres) -> Result<Backlog, Fault> {
    let mut conn = db.connection().await?;
    let row = sqlx::query(BACKLOG).fetch_one(&mut *conn).await?;
    let row = conn.done(row);
    Ok(Backlog { waiting: row.count(0)?, oldest: row.maybe_time(1)?, dead: row.count(2)? })
}
