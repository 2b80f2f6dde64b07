//! Changes of links, in the order in which they were asked for.
//!
//! Neighbours of one kind go together in one statement, which takes its rows in the order of their names or ids: two
//! writes that share some wait for each other, and hardly ever in a circle.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::mem;

use sqlx::postgres::PgConnection;
use uuid::Uuid;
use waypost_core::events::Event;
use waypost_core::links::{Change, Link, Outcome, Refusal, Version};

use super::row::{self, link_arrays, link_columns};
use crate::postgres::columns::{Columns as _, Query, number};
use crate::postgres::error::Fault;

const INSERT: &str = concat!(
    "INSERT INTO waypost_link (",
    link_columns!(),
    ") SELECT ",
    link_columns!("tags::text[]"),
    " FROM ",
    link_arrays!(),
    " AS new (",
    link_columns!(),
    ") ON CONFLICT DO NOTHING RETURNING id, slug, domain"
);

/// Values as in [`row::bind`], then the expected version. An `expires_at` that moves is told again. A name that another
/// link has is noticed here; one that another takes at this moment breaks the constraint, and the write is repeated.
const UPDATE: &str = "UPDATE waypost_link SET domain = $3, slug = $4, destination = $5, title = $6, tags = $7, \
    redirect_status = $8, referrer_policy = $9, cache_seconds = $10, \
    expiry_told = expiry_told AND expires_at IS NOT DISTINCT FROM $11, expires_at = $11, disabled_at = $12, \
    max_clicks = $13, metadata = $14, created_at = $15, updated_at = $16, version = $17 \
    WHERE id = $1 AND workspace = $2 AND version = $18 AND NOT EXISTS \
    (SELECT 1 FROM waypost_link other WHERE other.slug = $4 AND other.domain = $3 AND other.id <> $1)";
const VERSION: &str = "SELECT version FROM waypost_link WHERE id = $1 AND workspace = $2";

/// A statement on the rows that a caller saw, by id and workspace.
macro_rules! seen {
    ($change:literal, $rest:literal) => {
        concat!(
            $change,
            " UNNEST($1::uuid[], $2::uuid[], $3::int8[]) AS seen (id, workspace, version) \
             WHERE l.id = seen.id AND l.workspace = seen.workspace",
            $rest
        )
    };
}
const DELETE: &str =
    seen!("DELETE FROM waypost_link l USING", " AND l.version = seen.version RETURNING l.id, l.version");
/// Of many who saw the same link due, one tells it: for the others it has moved on.
const EXPIRE: &str = seen!(
    "UPDATE waypost_link l SET expiry_told = true FROM",
    " AND l.version = seen.version AND NOT l.expiry_told RETURNING l.id, l.version"
);
const STILL_THERE: &str = seen!("SELECT seen.id, seen.workspace FROM waypost_link l,", "");

/// Makes the changes in order; an outcome for each.
pub(super) async fn make(conn: &mut PgConnection, changes: &[(Change, Option<Event>)]) -> Result<Vec<Outcome>, Fault> {
    let go_together = |left: &Change, right: &Change| {
        mem::discriminant(left) == mem::discriminant(right) && !matches!(left, Change::Update { .. })
    };
    let mut outcomes = Vec::with_capacity(changes.len());
    for run in changes.chunk_by(|(left, _), (right, _)| go_together(left, right)) {
        match run.first() {
            Some((Change::Update { link, expected }, _)) => outcomes.push(update(conn, link, *expected).await?),
            Some((Change::Delete { .. }, _)) => outcomes.append(&mut conditional(conn, DELETE, run).await?),
            Some((Change::Expire { .. }, _)) => outcomes.append(&mut conditional(conn, EXPIRE, run).await?),
            Some((Change::Insert(_), _)) | None => outcomes.append(&mut insert(conn, run).await?),
        }
    }
    Ok(outcomes)
}

async fn insert(conn: &mut PgConnection, run: &[(Change, Option<Event>)]) -> Result<Vec<Outcome>, Fault> {
    let links =
        run.iter().filter_map(|(change, _)| if let Change::Insert(link) = change { Some(&**link) } else { None });
    let links: Vec<&Link> = links.collect();
    // Stable: of two that ask for one name, the first still comes first.
    let mut by_name = links.clone();
    by_name.sort_by_key(|link| (link.slug.as_str(), link.domain.as_str()));
    let rows = row::bind_all(sqlx::query(INSERT), &by_name).fetch_all(conn).await?;
    let mut made = Tally::default();
    for row in &rows {
        made.add((row.id(0)?, row.at::<&str>(1)?, row.at::<&str>(2)?));
    }
    let outcomes = links.into_iter().map(|link| {
        let is_made = made.take(&(link.id.to_bytes(), link.slug.as_str(), link.domain.as_str()));
        if is_made { Ok(()) } else { Err(Refusal::SlugTaken) }
    });
    Ok(outcomes.collect())
}

async fn update(conn: &mut PgConnection, link: &Link, expected: Version) -> Result<Outcome, Fault> {
    let query = row::bind(sqlx::query(UPDATE), link).bind(number(expected.0));
    if query.execute(&mut *conn).await?.rows_affected() > 0 {
        return Ok(Ok(()));
    }
    let (id, workspace) = (Uuid::from_bytes(link.id.to_bytes()), Uuid::from_bytes(link.workspace.to_bytes()));
    let row = sqlx::query(VERSION).bind(id).bind(workspace).fetch_optional(conn).await?;
    // A row that is there in that version refuses something else: the name of another link.
    Ok(Err(match row.map(|row| row.count(0)).transpose()?.map(Version) {
        None => Refusal::NotFound,
        Some(version) if version == expected => Refusal::SlugTaken,
        Some(_) => Refusal::Stale,
    }))
}

/// Runs a statement that changes rows which still are as they were seen.
async fn conditional(
    conn: &mut PgConnection,
    sql: &'static str,
    run: &[(Change, Option<Event>)],
) -> Result<Vec<Outcome>, Fault> {
    let seen: Vec<_> = run.iter().filter_map(|(change, _)| expectation(change)).collect();
    let mut by_id = seen.clone();
    by_id.sort_unstable();
    let mut made = Tally::default();
    for row in on_seen(sql, &by_id).fetch_all(&mut *conn).await? {
        made.add((row.at::<Uuid>(0)?, row.at::<i64>(1)?));
    }
    let is_made: Vec<_> = seen.iter().map(|(id, _, version)| made.take(&(*id, *version))).collect();
    if is_made.iter().all(|is_made| *is_made) {
        return Ok(vec![Ok(()); seen.len()]);
    }
    let there = on_seen(STILL_THERE, &by_id).fetch_all(conn).await?;
    let there =
        there.iter().map(|row| Ok((row.at(0)?, row.at(1)?))).collect::<Result<HashSet<(Uuid, Uuid)>, Fault>>()?;
    let outcomes = seen.into_iter().zip(is_made).map(|((id, workspace, _), is_made)| {
        if is_made {
            Ok(())
        } else {
            Err(if there.contains(&(id, workspace)) { Refusal::Stale } else { Refusal::NotFound })
        }
    });
    Ok(outcomes.collect())
}

/// The row that a change is about, its workspace, and the version that it shall have.
fn expectation(change: &Change) -> Option<(Uuid, Uuid, i64)> {
    let (Change::Delete { workspace, id, expected } | Change::Expire { workspace, id, expected }) = change else {
        return None;
    };
    Some((Uuid::from_bytes(id.to_bytes()), Uuid::from_bytes(workspace.to_bytes()), number(expected.0)))
}

fn on_seen<'q>(sql: &'static str, seen: &[(Uuid, Uuid, i64)]) -> Query<'q> {
    sqlx::query(sql)
        .bind(seen.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
        .bind(seen.iter().map(|(_, workspace, _)| *workspace).collect::<Vec<_>>())
        .bind(seen.iter().map(|(.., version)| *version).collect::<Vec<_>>())
}

/// How many of each were made. Counted, since a careless caller may ask for one thing twice: the first gets it.
struct Tally<T>(HashMap<T, usize>);

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Eq + Hash> Tally<T> {
    fn add(&mut self, made: T) {
        *self.0.entry(made).or_default() += 1;
    }

    fn take(&mut self, asked: &T) -> bool {
        self.0.get_mut(asked).is_some_and(|count| count.checked_sub(1).map(|left| *count = left).is_some())
    }
}
