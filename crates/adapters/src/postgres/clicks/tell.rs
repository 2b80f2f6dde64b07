//! Telling of what is owed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use waypost_core::clicks::{Counts, Owed, Telling, Told};
use waypost_core::ids::{LinkId, WorkspaceId};

use super::row;
use crate::postgres::columns::{Columns as _, Moment, Query, number};
use crate::postgres::database::{Postgres, Transaction};
use crate::postgres::error::Fault;
use crate::postgres::outbox;
use crate::postgres::signals::Signal;

/// Rows are found by the order of turns, whatever the server guesses of a table that is never twice the same. A node that
/// is cut off in here holds up who counts for the same links, so it is soon taken for dead.
macro_rules! begin {
    ($more:literal) => {
        concat!(
            "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
             SET LOCAL idle_in_transaction_session_timeout = '2s'",
            $more
        )
    };
}
/// Those who count for a link hold its row until they have committed, one after the other under load. So a teller waits
/// for its turn among them: one that only ever took what is free might never meet a busy link free.
const BEGIN_PATIENT: &str = begin!("; SET LOCAL lock_timeout = '250ms'");
/// Somebody has held a row for too long, as one does whose node was cut off: its links wait, and all others go on.
const BEGIN: &str = begin!("");
/// What PostgreSQL says where a lock was not had in time.
const NOT_AVAILABLE: &str = "55P03";

/// Where turns begin, and what need not wait, given the two moments of [`Telling::held_up`]. A row that was changed or is gone
/// stays in its index for as long as some transaction is open, and a look that began before it would step over it.
macro_rules! owed {
    () => {
        "place >= CASE WHEN $3 THEN '-infinity' ELSE statement_timestamp() - interval '10 seconds' END \
         AND human + bot + duplicate > 0"
    };
}
macro_rules! free {
    () => {
        "(told_at <= $1 OR told_at > $2)"
    };
}

/// Whether something may be told, and else when that was told which is first of those that must wait.
const LOOK: &str = concat!(
    "WITH look AS MATERIALIZED (SELECT EXISTS (SELECT FROM waypost_click_owed WHERE ",
    owed!(),
    " AND ",
    free!(),
    ") AS is_due) SELECT is_due, CASE WHEN NOT is_due THEN (SELECT min(told_at) FROM waypost_click_owed WHERE ",
    owed!(),
    ") END FROM look"
);
macro_rules! due {
    ($lock:literal) => {
        concat!(
            "SELECT link, workspace, human, bot, duplicate FROM waypost_click_owed WHERE link = ANY (ARRAY(\
             SELECT link FROM waypost_click_owed WHERE ",
            owed!(),
            " AND ",
            free!(),
            " ORDER BY place LIMIT $4)) AND human + bot + duplicate > 0 AND ",
            free!(),
            " ORDER BY link FOR UPDATE",
            $lock
        )
    };
}
/// Locks rows in the order in which those who count do. Of what another teller took meanwhile nothing is due any more.
const DUE: &str = due!("");
const DUE_AND_FREE: &str = due!(" SKIP LOCKED");
/// In a statement of its own, which sees what had been counted when the rows were locked, and with it just what they say:
/// whoever counts more has to wait for the row.
const NOTE: &str = "UPDATE waypost_click_owed AS owed SET human = 0, bot = 0, duplicate = 0, told_at = $2, \
    place = clock_timestamp() FROM waypost_click_total AS total \
    WHERE owed.link = ANY ($1) AND total.link = owed.link RETURNING owed.link, total.human, total.bot, total.duplicate";
/// For whom nothing is owed, and whom nothing holds up any more.
const FORGET: &str = "DELETE FROM waypost_click_owed WHERE link = ANY (ARRAY(SELECT link FROM waypost_click_owed \
    WHERE place >= CASE WHEN $3 THEN '-infinity' ELSE statement_timestamp() - interval '10 seconds' END \
    AND human + bot + duplicate = 0 AND (told_at <= $1 OR told_at > $2) ORDER BY place LIMIT $4 \
    FOR UPDATE SKIP LOCKED))";

/// For how long a look at the latest turns is enough: what took longer than ten seconds to commit is found at the next whole
/// look, which also forgets what was told before it became quiet.
const WHOLE: Duration = Duration::from_secs(60);
/// Whoever has not looked for so long may have left something behind.
const LATELY: Duration = Duration::from_secs(5);

/// Tells of what is owed, and remembers when this handle last looked at all of it. Clones share that.
#[derive(Clone, Debug, Default)]
pub(super) struct Teller {
    looks: Arc<Mutex<Option<Looks>>>,
}

#[derive(Clone, Copy, Debug)]
struct Looks {
    last: Timestamp,
    whole: Timestamp,
}

/// How rows are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Waits,
    TakesWhatIsFree,
}

impl Teller {
    pub(super) async fn tell(&self, db: &Postgres, telling: Telling<'_>) -> Result<Told, Fault> {
        let is_whole = self.is_whole(telling.now);
        let (told, forgotten) = match tell(db, telling, is_whole, Patience::Waits).await {
            Err(fault) if fault.state().as_deref() == Some(NOT_AVAILABLE) => {
                tell(db, telling, is_whole, Patience::TakesWhatIsFree).await
            }
            done => done,
        }?;
        if told.links > 0 {
            db.signals().wake(Signal::Outbox);
        }
        // Of what is left over nobody knows how old it becomes.
        let is_done = told.next.is_none_or(|next| next > telling.now) && forgotten < telling.limit as u64;
        self.note(telling.now, is_whole, is_done);
        Ok(told)
    }

    /// Whether to look at all turns, and not only at the latest. A clock that was set back must not stop it.
    fn is_whole(&self, now: Timestamp) -> bool {
        let since = |then| now.duration_since(then).unsigned_abs();
        let looks = *self.looks.lock().expect("no code panics under this lock");
        looks.is_none_or(|Looks { last, whole }| since(last) > LATELY || since(whole) > WHOLE)
    }

    fn note(&self, now: Timestamp, is_whole: bool, is_done: bool) {
        let mut looks = self.looks.lock().expect("no code panics under this lock");
        let whole = if is_whole { Some(now) } else { looks.map(|looks| looks.whole) };
        *looks = whole.filter(|_| is_done).map(|whole| Looks { last: now, whole });
    }
}

/// Tells, and says how many links were forgotten.
async fn tell(db: &Postgres, telling: Telling<'_>, is_whole: bool, patience: Patience) -> Result<(Told, u64), Fault> {
    let (begin, due) = match patience {
        Patience::Waits => (BEGIN_PATIENT, DUE),
        Patience::TakesWhatIsFree => (BEGIN, DUE_AND_FREE),
    };
    let mut tx = db.begin_with(begin).await?;
    let mut next = look(&mut tx, telling, is_whole).await?;
    let (mut links, mut forgotten) = (0, 0);
    if next.is_some_and(|next| next <= telling.now) {
        (links, forgotten) = tell_due(&mut tx, telling, is_whole, due).await?;
        next = look(&mut tx, telling, is_whole).await?;
    } else if is_whole {
        forgotten = forget(&mut tx, telling, is_whole).await?;
    }
    tx.commit().await?;
    Ok((Told { links, next }, forgotten))
}

async fn forget(conn: &mut PgConnection, telling: Telling<'_>, is_whole: bool) -> Result<u64, Fault> {
    Ok(ask(FORGET, telling, is_whole).execute(conn).await?.rows_affected())
}

/// A query about links that need not wait, to the limit.
fn ask(sql: &'static str, telling: Telling<'_>, is_whole: bool) -> Query<'static> {
    let (since, until) = telling.held_up();
    sqlx::query(sql).bind(Moment(since)).bind(Moment(until)).bind(is_whole).bind(number(telling.limit))
}

/// When the first link may be told, of those that are owed.
async fn look(conn: &mut PgConnection, telling: Telling<'_>, is_whole: bool) -> Result<Option<Timestamp>, Fault> {
    let (since, until) = telling.held_up();
    let row = sqlx::query(LOOK).bind(Moment(since)).bind(Moment(until)).bind(is_whole).fetch_one(conn).await?;
    Ok(if row.at(0)? { Some(telling.now) } else { row.maybe_time(1)?.map(|told_at| telling.again(told_at)) })
}

/// Takes what is due and appends the events; says how many links it were, and how many were forgotten.
async fn tell_due(
    tx: &mut Transaction,
    telling: Telling<'_>,
    is_whole: bool,
    due: &'static str,
) -> Result<(usize, u64), Fault> {
    let rows = ask(due, telling, is_whole).fetch_all(&mut **tx).await?;
    let links: Vec<Uuid> = rows.iter().map(|row| row.at(0)).collect::<Result<_, _>>()?;
    let noted = sqlx::query(NOTE).bind(&links).bind(Moment(telling.now)).fetch_all(&mut **tx).await?;
    let totals: HashMap<Uuid, Counts> =
        noted.iter().map(|row| Ok((row.at(0)?, row::read_counts(row, 1)?))).collect::<Result<_, Fault>>()?;
    let forgotten = forget(tx, telling, is_whole).await?;
    let mut owed = Vec::with_capacity(rows.len());
    for (row, link) in rows.iter().zip(links) {
        if let Some(total) = totals.get(&link) {
            owed.push(Owed {
                workspace: WorkspaceId::from_bytes(row.id(1)?),
                link: LinkId::from_bytes(link.into_bytes()),
                clicks: row::read_counts(row, 2)?,
                total: *total,
            });
        }
    }
    if !owed.is_empty() {
        // Its locks are the last of all: of those that tell of one link, the one that commits first tells first.
        let events = (telling.events)(&owed);
        outbox::insert_in_order(tx, &events.iter().collect::<Vec<_>>()).await?;
    }
    Ok((owed.len(), forgotten))
}
