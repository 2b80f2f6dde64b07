//! Moving on from leaf to leaf, and emptying those behind.
//!
//! A row that was updated or deleted stays in its file until no transaction is left that might still see it, and every
//! claim has to step over it. One transaction that is left open somewhere, say by a backup or a forgotten shell, and it
//! stays for hours. `TRUNCATE` asks no such question: it gives a leaf an empty file, once nothing in it waits.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::Executor as _;
use sqlx::postgres::PgConnection;

use super::gate;
use crate::postgres::columns::Columns as _;
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;

/// How often a node looks: a leaf fills up in about a second at 10,000 events a second.
const EVERY: Duration = Duration::from_millis(250);
/// When a leaf is full: some 6,000 entries of usual size, which a claim steps over in a millisecond or two.
const FULL: i64 = 4 << 20;
/// A leaf without a row: the one page of its index of large values is all that it has.
const EMPTY: i64 = 8_192;
/// How many entries at most are moved to another leaf to have theirs emptied.
const STRAGGLERS: i64 = 100;

/// The leaf that is appended to, and the bytes of each.
const LOOK: &str = "SELECT (SELECT last_value FROM waypost_outbox_turn)::int4, \
    ARRAY(SELECT pg_table_size(('waypost_outbox_' || leaf)::regclass) FROM generate_series(0, 7) AS leaf \
    ORDER BY leaf)";
/// Outside of any transaction's fate, and without a trace.
const MOVE_ON: &str = "SELECT setval('waypost_outbox_turn', $1)";
const LEFT: &str = "SELECT count(*) FROM (SELECT FROM waypost_outbox WHERE turn = $1 LIMIT $2) AS entry";
const MOVE: &str = "UPDATE waypost_outbox SET turn = (SELECT last_value FROM waypost_outbox_turn) WHERE turn = $1";

macro_rules! leaves {
    ($before:literal, $after:literal) => {
        [
            concat!($before, "waypost_outbox_0", $after),
            concat!($before, "waypost_outbox_1", $after),
            concat!($before, "waypost_outbox_2", $after),
            concat!($before, "waypost_outbox_3", $after),
            concat!($before, "waypost_outbox_4", $after),
            concat!($before, "waypost_outbox_5", $after),
            concat!($before, "waypost_outbox_6", $after),
            concat!($before, "waypost_outbox_7", $after),
        ]
    };
}
/// Fails at once where a transaction has written to the leaf and is not over: then another time. Whoever comes now
/// waits until the leaf is empty, some milliseconds.
const LOCK: [&str; 8] = leaves!("LOCK TABLE ", " IN ACCESS EXCLUSIVE MODE NOWAIT");
const TRUNCATE: [&str; 8] = leaves!("TRUNCATE ", "");

/// What PostgreSQL says where a lock cannot be had at once.
const NOT_AVAILABLE: &str = "55P03";

/// Remembers when this handle last looked.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    looked: Mutex<Option<Timestamp>>,
}

impl Rotation {
    /// Looks, unless it was done a moment ago; where it fails, the next one finds the same work. A database that is away
    /// is not asked anything else.
    pub(super) async fn turn(&self, db: &Postgres, now: Timestamp) -> Result<(), Fault> {
        if !self.is_due(now) {
            return Ok(());
        }
        match turn(db).await {
            Err(fault) if !fault.is_cut_off() => {
                tracing::warn!(error = ?fault, "the outbox was not tidied up");
                Ok(())
            }
            turned => turned,
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let mut looked = self.looked.lock().expect("no code panics under this lock");
        // A clock that was set back must not stop it.
        let is_due = looked.is_none_or(|then| now.duration_since(then).unsigned_abs() >= EVERY);
        if is_due {
            *looked = Some(now);
        }
        is_due
    }
}

/// Moves on from a leaf that is full, and empties those in which nothing waits.
async fn turn(db: &Postgres) -> Result<(), Fault> {
    let mut conn = db.connection().await?;
    let row = sqlx::query(LOOK).fetch_one(&mut *conn).await?;
    let current = usize::try_from(row.at::<i32>(0)?).map_err(|_| Fault::Column("last_value"))?;
    let sizes: Vec<i64> = row.at(1)?;
    let used = sizes.iter().filter(|size| **size > EMPTY).count();
    if sizes.get(current).is_some_and(|size| *size > full(used))
        && let Some(next) = (1..8).map(|step| (current + step) % 8).find(|leaf| sizes[*leaf] <= EMPTY)
    {
        sqlx::query(MOVE_ON).bind(i64::from(place(next))).execute(&mut *conn).await?;
    }
    conn.done(());
    // From the next in turn on: the oldest first.
    for leaf in (1..8).map(|step| (current + step) % 8).filter(|leaf| sizes[*leaf] > EMPTY) {
        let stragglers = if used > 4 { STRAGGLERS } else { 0 };
        empty(db, leaf, stragglers).await?;
    }
    Ok(())
}

/// A backlog goes into ever larger leaves, so that it has 250 MiB before there is none left.
fn full(used: usize) -> i64 {
    FULL << used.saturating_sub(2)
}

/// Empties a leaf in which at most so many entries wait.
async fn empty(db: &Postgres, leaf: usize, stragglers: i64) -> Result<(), Fault> {
    let mut conn = db.connection().await?;
    let waiting = left(&mut conn, leaf, stragglers + 1).await?;
    conn.done(());
    if waiting > stragglers {
        return Ok(());
    }
    let mut tx = gate::alone(db).await?;
    if let Err(fault) = tx.execute(LOCK[leaf]).await.map_err(Fault::from) {
        tx.rollback().await?;
        return if fault.state().as_deref() == Some(NOT_AVAILABLE) { Ok(()) } else { Err(fault) };
    }
    // Whoever could have appended has committed, and is seen from here on.
    if left(&mut tx, leaf, stragglers + 1).await? > stragglers {
        return tx.rollback().await;
    }
    sqlx::query(MOVE).bind(place(leaf)).execute(&mut *tx).await?;
    // Its turn may have come again meanwhile: then they moved to where they were.
    if left(&mut tx, leaf, 1).await? > 0 {
        return tx.rollback().await;
    }
    tx.execute(TRUNCATE[leaf]).await?;
    tx.commit().await
}

/// How many entries wait in a leaf, counted up to `most`.
async fn left(conn: &mut PgConnection, leaf: usize, most: i64) -> Result<i64, Fault> {
    sqlx::query(LEFT).bind(place(leaf)).bind(most).fetch_one(conn).await?.at(0)
}

/// A leaf as the column has it.
fn place(leaf: usize) -> i16 {
    i16::try_from(leaf).unwrap_or(i16::MAX)
}
