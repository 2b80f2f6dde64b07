//! Counting a batch of clicks.

use std::collections::HashSet;

use sqlx::postgres::PgConnection;
use uuid::Uuid;
use waypost_core::clicks::{Appended, Click, ClickId, Tallies};

use super::row::{self, click_columns};
use crate::postgres::columns::{Columns as _, Moment};
use crate::postgres::error::Fault;

/// The most values of a facet that a link has on one day: strangers write some of them, and what is counted for each is
/// kept for good. A crowd of real hosts stays below it; what comes beyond is counted under [`OTHER`].
const MOST_VALUES: i64 = 1_000;
const OTHER: &str = "(other)";

/// In the order of ids, so that drains that were given the same clicks wait for each other in one order. Tells which
/// clicks were new only if some were not, as after a crash.
const INSERT: &str = concat!(
    "WITH inserted AS (INSERT INTO waypost_click (",
    click_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::smallint[], $6::boolean[], \
     $7::text[], $8::text[], $9::text[], $10::text[], $11::text[]) AS given (",
    click_columns!(),
    ") ORDER BY id ON CONFLICT DO NOTHING RETURNING id) \
     SELECT CASE WHEN count(*) < cardinality($2) THEN coalesce(array_agg(id), '{}') END FROM inserted"
);
/// Whoever has a link's total has its other roll-ups too, so links in the order of their ids are all the order there
/// needs to be.
const TOTALS: &str = "INSERT INTO waypost_click_total AS had (link, workspace, human, bot, duplicate) \
    SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[]) \
    AS given (link, workspace, human, bot, duplicate) ORDER BY link \
    ON CONFLICT (link) DO UPDATE SET human = had.human + excluded.human, bot = had.bot + excluded.bot, \
    duplicate = had.duplicate + excluded.duplicate";
/// Last, and in the same order, so that a teller waits for no more than a commit. A link that was owed nothing takes its turn
/// anew, for its row may stand where no look begins any more; what comes on top of that changes no index.
const OWED: &str = "INSERT INTO waypost_click_owed AS had (link, workspace, human, bot, duplicate) \
    SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[]) \
    AS given (link, workspace, human, bot, duplicate) ORDER BY link \
    ON CONFLICT (link) DO UPDATE SET human = had.human + excluded.human, bot = had.bot + excluded.bot, \
    duplicate = had.duplicate + excluded.duplicate, \
    place = CASE WHEN had.human + had.bot + had.duplicate = 0 THEN clock_timestamp() ELSE had.place END";
/// Where a batch may bring a facet beyond its bound, values that are not there yet go under `$13`, rarest first. What a
/// facet has is looked up once, for the first of its values; a join would hang on guesses about the length of arrays.
const PARTS: &str = "WITH hours AS (INSERT INTO waypost_click_hour AS had (link, hour, human, bot, duplicate) \
    SELECT * FROM UNNEST($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[]) \
    AS given (link, hour, human, bot, duplicate) \
    ON CONFLICT (link, hour) DO UPDATE SET human = had.human + excluded.human, bot = had.bot + excluded.bot, \
    duplicate = had.duplicate + excluded.duplicate), \
    given AS (SELECT * FROM UNNEST($6::uuid[], $7::text[], $8::timestamptz[], $9::text[], $10::bigint[], $11::bigint[], \
    $12::bigint[]) AS given (link, facet, day, value, human, bot, duplicate)), \
    counted AS (SELECT *, row_number() OVER (PARTITION BY link, facet, day ORDER BY human + bot + duplicate DESC, value) \
    AS place FROM given), \
    measured AS (SELECT *, max(CASE WHEN place = 1 THEN $14 - (SELECT count(*) FROM (SELECT FROM waypost_click_facet had \
    WHERE had.link = counted.link AND had.facet = counted.facet AND had.day = counted.day LIMIT $14) AS had) END) \
    OVER (PARTITION BY link, facet, day) AS room FROM counted), \
    placed AS (SELECT link, facet, day, CASE WHEN place <= room THEN value \
    WHEN EXISTS (SELECT FROM waypost_click_facet had WHERE had.link = measured.link AND had.facet = measured.facet \
    AND had.day = measured.day AND had.value = measured.value) THEN value \
    ELSE $13 END AS value, human, bot, duplicate FROM measured) \
    INSERT INTO waypost_click_facet AS had (link, facet, day, value, human, bot, duplicate) \
    SELECT link, facet, day, value, sum(human), sum(bot), sum(duplicate) FROM placed GROUP BY link, facet, day, value \
    ON CONFLICT (link, facet, day, value) DO UPDATE SET human = had.human + excluded.human, \
    bot = had.bot + excluded.bot, duplicate = had.duplicate + excluded.duplicate";

/// Counts what was not counted before.
pub(super) async fn append(conn: &mut PgConnection, clicks: &[Click]) -> Result<Appended, Fault> {
    let tallies = insert(conn, clicks).await?;
    let counted: u64 = tallies.links.values().map(|counts| counts.counted()).sum();
    let counted = usize::try_from(counted).unwrap_or(clicks.len());
    if counted > 0 {
        add_links(conn, TOTALS, &tallies).await?;
        add_parts(conn, &tallies).await?;
        add_links(conn, OWED, &tallies).await?;
    }
    Ok(Appended { counted, repeated: clicks.len() - counted })
}

/// Inserts the clicks that are new, and adds them up.
async fn insert(conn: &mut PgConnection, clicks: &[Click]) -> Result<Tallies, Fault> {
    let row = row::bind(sqlx::query(INSERT), clicks).fetch_one(conn).await?;
    let Some(ids) = row.at::<Option<Vec<Uuid>>>(0)? else {
        return Ok(Tallies::of(clicks));
    };
    let mut ids: HashSet<_> = ids.into_iter().map(|id| ClickId::from_bytes(id.into_bytes())).collect();
    // A click that stands in the batch twice is counted where it stands first.
    Ok(Tallies::of(clicks.iter().filter(|click| ids.remove(&click.id))))
}

async fn add_links(conn: &mut PgConnection, table: &'static str, tallies: &Tallies) -> Result<(), Fault> {
    let query = sqlx::query(table)
        .bind(tallies.links.keys().map(|(_, link)| Uuid::from_bytes(link.to_bytes())).collect::<Vec<_>>())
        .bind(tallies.links.keys().map(|(workspace, _)| Uuid::from_bytes(workspace.to_bytes())).collect::<Vec<_>>());
    row::bind_counts(query, tallies.links.values()).execute(conn).await?;
    Ok(())
}

async fn add_parts(conn: &mut PgConnection, tallies: &Tallies) -> Result<(), Fault> {
    let Tallies { hours, facets, .. } = tallies;
    let query = sqlx::query(PARTS)
        .bind(hours.keys().map(|(link, _)| Uuid::from_bytes(link.to_bytes())).collect::<Vec<_>>())
        .bind(hours.keys().map(|(_, hour)| Moment(*hour)).collect::<Vec<_>>());
    let query = row::bind_counts(query, hours.values())
        .bind(facets.keys().map(|(link, ..)| Uuid::from_bytes(link.to_bytes())).collect::<Vec<_>>())
        .bind(facets.keys().map(|(_, facet, ..)| facet.as_str()).collect::<Vec<_>>())
        .bind(facets.keys().map(|(_, _, day, _)| Moment(*day)).collect::<Vec<_>>())
        .bind(facets.keys().map(|(.., value)| &**value).collect::<Vec<_>>());
    row::bind_counts(query, facets.values()).bind(OTHER).bind(MOST_VALUES).execute(conn).await?;
    Ok(())
}
