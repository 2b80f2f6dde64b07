//! Telling of what is owed.

use std::sync::LazyLock;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use waypost_core::clicks::{Counts, Owed, Telling, Told};
use waypost_core::ids::{LinkId, WorkspaceId};

use super::row;
use crate::sqlite::bulk::Bulk;
use crate::sqlite::columns::{Columns as _, micros, number};
use crate::sqlite::database::Sqlite;
use crate::sqlite::error::Fault;
use crate::sqlite::outbox;
use crate::sqlite::wake::Wake;

/// What need not wait, given the two moments of [`Telling::held_up`].
macro_rules! free {
    () => {
        "(told_at IS NULL OR told_at <= ?1 OR told_at > ?2)"
    };
}
macro_rules! owed {
    () => {
        "owed.human + owed.bot + owed.duplicate > 0"
    };
}

/// Whether something may be told, and when that was told which is first of those that must wait.
const LOOK: &str = concat!(
    "SELECT EXISTS (SELECT 1 FROM waypost_click_owed AS owed WHERE ",
    free!(),
    " AND ",
    owed!(),
    "), (SELECT min(told_at) FROM waypost_click_owed AS owed WHERE told_at > ?1 AND told_at <= ?2 AND ",
    owed!(),
    ")"
);
const DUE: &str = concat!(
    "SELECT owed.workspace, owed.link, owed.human, owed.bot, owed.duplicate, total.human, total.bot, total.duplicate \
     FROM waypost_click_owed AS owed JOIN waypost_click_total AS total ON total.link = owed.link WHERE ",
    free!(),
    " AND ",
    owed!(),
    " ORDER BY told_at LIMIT ?3"
);
static NOTE: LazyLock<Bulk> = LazyLock::new(|| {
    let head = "INSERT INTO waypost_click_owed (link, workspace, human, bot, duplicate, told_at)";
    let tail = "ON CONFLICT (link) DO UPDATE SET human = 0, bot = 0, duplicate = 0, told_at = excluded.told_at";
    Bulk::new(head, 6, tail)
});
/// For whom nothing is owed, and whom nothing holds up any more. With a telling, and as many as are told by one at most, so
/// that they do not pile up: without, each quiet click would have a write of its own to be forgotten.
const FORGET: &str = concat!(
    "DELETE FROM waypost_click_owed WHERE link IN (SELECT link FROM waypost_click_owed WHERE ",
    free!(),
    " AND human + bot + duplicate = 0 ORDER BY told_at LIMIT ?3)"
);

/// Tells of what is owed. Where nothing is, nobody who writes is kept waiting.
pub(super) async fn tell(db: &Sqlite, telling: Telling<'_>) -> Result<Told, Fault> {
    let seen = look(&mut *db.read().await?, telling).await?;
    if seen.is_none_or(|next| next > telling.now) {
        return Ok(Told { links: 0, next: seen });
    }
    let mut tx = db.write().await?;
    let owed = due(&mut tx, telling).await?;
    if !owed.is_empty() {
        note(&mut tx, &owed, telling.now).await?;
        let events = (telling.events)(&owed);
        outbox::insert(&mut tx, &events.iter().collect::<Vec<_>>()).await?;
        tx.wakes(Wake::OUTBOX);
    }
    let (since, until) = telling.held_up();
    let query = sqlx::query(FORGET).bind(micros(since)).bind(micros(until)).bind(number(telling.limit));
    query.execute(&mut *tx).await?;
    let next = look(&mut tx, telling).await?;
    tx.commit().await?;
    Ok(Told { links: owed.len(), next })
}

/// When the first link may be told, of those that are owed.
async fn look(conn: &mut SqliteConnection, telling: Telling<'_>) -> Result<Option<Timestamp>, Fault> {
    let (since, until) = telling.held_up();
    let row = sqlx::query(LOOK).bind(micros(since)).bind(micros(until)).fetch_one(conn).await?;
    Ok(if row.at(0)? { Some(telling.now) } else { row.maybe_time(1)?.map(|told_at| telling.again(told_at)) })
}

async fn due(conn: &mut SqliteConnection, telling: Telling<'_>) -> Result<Vec<Owed>, Fault> {
    let (since, until) = telling.held_up();
    let query = sqlx::query(DUE).bind(micros(since)).bind(micros(until)).bind(number(telling.limit));
    query.fetch_all(conn).await?.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<Owed, Fault> {
    Ok(Owed {
        workspace: WorkspaceId::from_bytes(row.bytes(0)?),
        link: LinkId::from_bytes(row.bytes(1)?),
        clicks: row::read_counts(row, 2)?,
        total: row::read_counts(row, 5)?,
    })
}

async fn note(conn: &mut SqliteConnection, owed: &[Owed], now: Timestamp) -> Result<(), Fault> {
    NOTE.execute(conn, owed, |query, owed| {
        let query = query.bind(&owed.link.to_bytes()[..]).bind(&owed.workspace.to_bytes()[..]);
        row::bind_counts(query, Counts::default()).bind(micros(now))
    })
    .await?;
    Ok(())
}
