//! Changes of links, and what they cause, inside the transaction of one write.

use std::collections::HashMap;
use std::sync::LazyLock;

use sqlx::sqlite::SqliteConnection;
use waypost_core::events::Event;
use waypost_core::ids::{LinkId, WorkspaceId};
use waypost_core::links::{Atomicity, Change, Link, Outcome, Refusal, Version};

use super::row;
use crate::sqlite::bulk::Bulk;
use crate::sqlite::columns::{Columns as _, number};
use crate::sqlite::error::Fault;
use crate::sqlite::outbox;

static INSERT: LazyLock<Bulk> = LazyLock::new(|| {
    let head = format!("INSERT INTO waypost_link ({})", row::COLUMNS);
    Bulk::new(&head, row::VALUES, "ON CONFLICT DO NOTHING RETURNING id")
});

/// Values as in [`row::COLUMNS`], then the expected version. An `expires_at` that moves is told again.
const UPDATE: &str = "UPDATE OR IGNORE waypost_link SET domain = ?3, slug = ?4, destination = ?5, \
    destination_hash = ?6, title = ?7, tags = ?8, redirect_status = ?9, referrer_policy = ?10, cache_seconds = ?11, \
    expiry_told = CASE WHEN expires_at IS ?12 THEN expiry_told ELSE 0 END, expires_at = ?12, disabled_at = ?13, \
    max_clicks = ?14, metadata = ?15, created_at = ?16, updated_at = ?17, version = ?18 \
    WHERE id = ?1 AND workspace = ?2 AND version = ?19";
const DELETE: &str = "DELETE FROM waypost_link WHERE id = ?1 AND workspace = ?2 AND version = ?3";
/// Of many who saw the same link due, one tells it: for the others it has moved on.
const EXPIRE: &str = "UPDATE waypost_link SET expiry_told = 1 \
    WHERE id = ?1 AND workspace = ?2 AND version = ?3 AND expiry_told = 0";
const VERSION: &str = "SELECT version FROM waypost_link WHERE id = ?1 AND workspace = ?2";

/// Makes the changes and appends the events of those that were made; an outcome for each change.
pub(super) async fn apply(
    conn: &mut SqliteConnection,
    changes: &[(Change, Option<Event>)],
    atomicity: Atomicity,
) -> Result<Vec<Outcome>, Fault> {
    // One change is made or not; only several need a way back to where they began.
    let undoable = atomicity == Atomicity::All && changes.len() > 1;
    if undoable {
        sqlx::query("SAVEPOINT waypost_changes").execute(&mut *conn).await?;
    }
    let mut outcomes = make(conn, changes).await?;
    if atomicity == Atomicity::All && outcomes.iter().any(Result::is_err) {
        if undoable {
            sqlx::query("ROLLBACK TO waypost_changes; RELEASE waypost_changes").execute(&mut *conn).await?;
        }
        for outcome in &mut outcomes {
            *outcome = outcome.and(Err(Refusal::Undone));
        }
        return Ok(outcomes);
    }
    if undoable {
        sqlx::query("RELEASE waypost_changes").execute(&mut *conn).await?;
    }
    let events: Vec<_> = changes
        .iter()
        .zip(&outcomes)
        .filter_map(|((_, event), outcome)| outcome.and(Ok(event.as_ref())).ok().flatten())
        .collect();
    outbox::insert(conn, &events).await?;
    Ok(outcomes)
}

/// Makes the changes in order; neighbouring inserts go together.
async fn make(conn: &mut SqliteConnection, changes: &[(Change, Option<Event>)]) -> Result<Vec<Outcome>, Fault> {
    let mut outcomes = Vec::with_capacity(changes.len());
    let is_insert = |change: &Change| matches!(change, Change::Insert(_));
    for run in changes.chunk_by(|(left, _), (right, _)| is_insert(left) && is_insert(right)) {
        match run {
            [(Change::Update { link, expected }, _)] => outcomes.push(update(conn, link, *expected).await?),
            [(Change::Delete { workspace, id, expected }, _)] => {
                outcomes.push(conditional(conn, DELETE, *workspace, *id, *expected).await?);
            }
            [(Change::Expire { workspace, id, expected }, _)] => {
                outcomes.push(conditional(conn, EXPIRE, *workspace, *id, *expected).await?);
            }
            inserts => {
                let links: Vec<_> = inserts
                    .iter()
                    .filter_map(|(change, _)| if let Change::Insert(link) = change { Some(&**link) } else { None })
                    .collect();
                insert(conn, &links, &mut outcomes).await?;
            }
        }
    }
    Ok(outcomes)
}

async fn insert(conn: &mut SqliteConnection, links: &[&Link], outcomes: &mut Vec<Outcome>) -> Result<(), Fault> {
    let rows = INSERT.fetch(conn, links, |query, link| row::bind(query, link)).await?;
    if rows.len() == links.len() {
        outcomes.resize(outcomes.len() + links.len(), Ok(()));
        return Ok(());
    }
    // Counted, since a careless caller may send one id twice: the first of them got in.
    let mut made: HashMap<LinkId, usize> = HashMap::new();
    for row in &rows {
        *made.entry(LinkId::from_bytes(row.bytes(0)?)).or_default() += 1;
    }
    for link in links {
        let outcome = match made.get_mut(&link.id) {
            Some(count) if *count > 0 => {
                *count -= 1;
                Ok(())
            }
            _ => Err(Refusal::SlugTaken),
        };
        outcomes.push(outcome);
    }
    Ok(())
}

async fn update(conn: &mut SqliteConnection, link: &Link, expected: Version) -> Result<Outcome, Fault> {
    let query = row::bind(sqlx::query(UPDATE), link).bind(number(expected.0));
    if query.execute(&mut *conn).await?.rows_affected() > 0 {
        return Ok(Ok(()));
    }
    // A row that is there in that version refuses something else: the name of another link.
    Ok(Err(match version(conn, link.workspace, link.id).await? {
        None => Refusal::NotFound,
        Some(version) if version == expected => Refusal::SlugTaken,
        Some(_) => Refusal::Stale,
    }))
}

async fn conditional(
    conn: &mut SqliteConnection,
    sql: &'static str,
    workspace: WorkspaceId,
    id: LinkId,
    expected: Version,
) -> Result<Outcome, Fault> {
    let query = sqlx::query(sql).bind(&id.to_bytes()[..]).bind(&workspace.to_bytes()[..]).bind(number(expected.0));
    if query.execute(&mut *conn).await?.rows_affected() > 0 {
        return Ok(Ok(()));
    }
    let is_there = version(conn, workspace, id).await?.is_some();
    Ok(Err(if is_there { Refusal::Stale } else { Refusal::NotFound }))
}

/// The version that a row has.
async fn version(conn: &mut SqliteConnection, workspace: WorkspaceId, id: LinkId) -> Result<Option<Version>, Fault> {
    let query = sqlx::query(VERSION).bind(&id.to_bytes()[..]).bind(&workspace.to_bytes()[..]);
    query.fetch_optional(conn).await?.map(|row| row.count(0).map(Version)).transpose()
}
