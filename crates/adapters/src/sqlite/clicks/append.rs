//! Counting a batch of clicks.

use std::collections::HashSet;
use std::sync::LazyLock;

use sqlx::sqlite::SqliteConnection;
use waypost_core::clicks::{Appended, Click, ClickId, Tallies};

use super::row::{self, click_columns};
use crate::sqlite::bulk::Bulk;
use crate::sqlite::columns::{Columns as _, micros};
use crate::sqlite::error::Fault;

static INSERT: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(concat!("INSERT INTO waypost_click (", click_columns!(), ")"), row::VALUES, "ON CONFLICT DO NOTHING")
});
/// For a batch of which a part was counted before: tells which part was not.
static INSERT_NEW: LazyLock<Bulk> = LazyLock::new(|| {
    let head = concat!("INSERT INTO waypost_click (", click_columns!(), ")");
    Bulk::new(head, row::VALUES, "ON CONFLICT DO NOTHING RETURNING id")
});

macro_rules! roll_up {
    ($table:literal, $key:literal, $more:literal, $values:literal) => {
        LazyLock::new(|| {
            let head = concat!("INSERT INTO ", $table, " (", $key, $more, ", human, bot, duplicate)");
            let tail = concat!(
                "ON CONFLICT (",
                $key,
                ") DO UPDATE SET human = human + excluded.human, bot = bot + excluded.bot, \
                 duplicate = duplicate + excluded.duplicate"
            );
            Bulk::new(head, $values, tail)
        })
    };
}
static TOTALS: LazyLock<Bulk> = roll_up!("waypost_click_total", "link", ", workspace", 5);
static OWED: LazyLock<Bulk> = roll_up!("waypost_click_owed", "link", ", workspace", 5);
static HOURS: LazyLock<Bulk> = roll_up!("waypost_click_hour", "link, hour", "", 5);
static FACETS: LazyLock<Bulk> = roll_up!("waypost_click_facet", "link, facet, day, value", "", 7);

/// Counts what was not counted before.
pub(super) async fn append(conn: &mut SqliteConnection, clicks: &[Click]) -> Result<Appended, Fault> {
    let tallies = match insert_all(conn, clicks).await? {
        true => Tallies::of(clicks),
        false => Tallies::of(insert_new(conn, clicks).await?),
    };
    let counted: u64 = tallies.links.values().map(|counts| counts.counted()).sum();
    let counted = usize::try_from(counted).unwrap_or(clicks.len());
    if counted > 0 {
        roll_up(conn, &tallies).await?;
    }
    Ok(Appended { counted, repeated: clicks.len() - counted })
}

/// Inserts the clicks if all of them are new, as they are unless a crash has the same ones read again.
async fn insert_all(conn: &mut SqliteConnection, clicks: &[Click]) -> Result<bool, Fault> {
    sqlx::query("SAVEPOINT waypost_clicks").execute(&mut *conn).await?;
    let inserted = INSERT.execute(conn, clicks, row::bind).await?;
    let all = inserted == clicks.len() as u64;
    let end = if all { "RELEASE waypost_clicks" } else { "ROLLBACK TO waypost_clicks; RELEASE waypost_clicks" };
    sqlx::query(end).execute(conn).await?;
    Ok(all)
}

/// Inserts the clicks that are new, and says which they were.
async fn insert_new<'a>(conn: &mut SqliteConnection, clicks: &'a [Click]) -> Result<Vec<&'a Click>, Fault> {
    let rows = INSERT_NEW.fetch(conn, clicks, row::bind).await?;
    let ids: Result<HashSet<_>, Fault> = rows.iter().map(|row| Ok(ClickId::from_bytes(row.bytes(0)?))).collect();
    let mut ids = ids?;
    // A click that stands in the batch twice is counted where it stands first.
    Ok(clicks.iter().filter(|click| ids.remove(&click.id)).collect())
}

async fn roll_up(conn: &mut SqliteConnection, tallies: &Tallies) -> Result<(), Fault> {
    let links: Vec<_> = tallies.links.iter().collect();
    for table in [&TOTALS, &OWED] {
        table
            .execute(conn, &links, |query, ((workspace, link), counts)| {
                let query = query.bind(&link.to_bytes()[..]).bind(&workspace.to_bytes()[..]);
                row::bind_counts(query, **counts)
            })
            .await?;
    }
    let hours: Vec<_> = tallies.hours.iter().collect();
    HOURS
        .execute(conn, &hours, |query, ((link, hour), counts)| {
            row::bind_counts(query.bind(&link.to_bytes()[..]).bind(micros(*hour)), **counts)
        })
        .await?;
    let facets: Vec<_> = tallies.facets.iter().collect();
    FACETS
        .execute(conn, &facets, |query, ((link, facet, day, value), counts)| {
            let query = query.bind(&link.to_bytes()[..]).bind(facet.as_str()).bind(micros(*day)).bind(&**value);
            row::bind_counts(query, **counts)
        })
        .await?;
    Ok(())
}
