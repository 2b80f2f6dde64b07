//! Clicks: days as partitions, and nodes that count at once.

mod counting;
mod days;
mod retention;
mod telling;

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row as _};
use waypost_core::clicks::{Appended, Class, Click, ClickStore as _, Facet, Interval, Stats, StatsQuery};
use waypost_core::conformance::fixtures::{at, click, link};

use super::{Schema, database, options};
use crate::postgres::{Postgres, PostgresClickStore};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A human click of the first link.
fn human(n: u64, made: Timestamp) -> Click {
    click(n, &link(1), Class::Human, made)
}

async fn append(clicks: &PostgresClickStore, batch: &[Click]) -> Appended {
    clicks.append(batch).await.unwrap()
}

/// A node of its own on the same tables.
async fn node(schema: &Schema) -> PostgresClickStore {
    PostgresClickStore::new(&Postgres::open(options(schema)).await.unwrap())
}

/// What was counted for the first link in its first hundred days, by this facet.
async fn stats(clicks: &PostgresClickStore, facet: Facet) -> Stats {
    let ask = StatsQuery {
        workspace: link(1).workspace,
        link: link(1).id,
        from: at(0),
        to: at(100 * DAY),
        interval: Interval::Day,
        group_by: Some(facet),
        groups: 10_000,
    };
    clicks.stats(&ask).await.unwrap()
}

/// The tables of days, attached or not.
async fn tables(schema: &Schema) -> Vec<String> {
    let ask = format!(
        "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = '{}'::regnamespace AND c.relkind = 'r' \
         AND c.relname LIKE 'waypost\\_click\\_2%' ORDER BY c.relname",
        schema.name
    );
    let rows = sqlx::query(AssertSqlSafe(ask)).fetch_all(&mut schema.connection().await).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
