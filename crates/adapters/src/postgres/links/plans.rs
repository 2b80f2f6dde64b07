//! How PostgreSQL runs the statements of links: each page is one descent into one index, and no order is sorted.

use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{Executor as _, Row as _};
use waypost_core::conformance::fixtures::{at, insert, link, link_id, plain, slug, tag, workspace};
use waypost_core::links::{
    AnchorKey, Atomicity, Direction, Link, LinkAnchor, LinkFilter, LinkQuery, LinkSort, LinkStore as _, SortKey, Tags,
};
use waypost_core::page::Limit;

use super::{PostgresLinkStore, list};
use crate::postgres::Postgres;
use crate::postgres::tests::{Schema, database};

/// So many links that a plan which reads them all costs more than one that does not.
const LINKS: u64 = 8_000;
/// So many workspaces that a walk along the links of all of them costs more than one along those of one.
const WORKSPACES: u64 = 8;

/// Links of each workspace in turn. All have a common tag, eight in a thousand a rare one.
async fn filled() -> (Postgres, Schema) {
    let (db, schema) = database().await;
    let links = (0..LINKS).map(|n| {
        let tags = [(1, "common"), (1_000, "rare")].into_iter().filter(|(every, _)| n % every < WORKSPACES);
        let tags = Tags::new(tags.map(|(_, text)| tag(text))).unwrap();
        // Slugs are drawn: their order is not that of the rows.
        let slug = slug(&format!("{:08x}", (n as u32).wrapping_mul(2_654_435_761)));
        Link { workspace: workspace(n % WORKSPACES), slug, tags, ..link(n) }
    });
    let changes: Vec<_> = links.map(|link| (insert(&link), None)).collect();
    for some in changes.chunks(100) {
        PostgresLinkStore::new(&db).write(plain(Atomicity::All, some.to_vec())).await.unwrap();
    }
    schema.connection().await.execute("VACUUM ANALYZE waypost_link").await.unwrap();
    (db, schema)
}

fn every_order() -> impl Iterator<Item = LinkSort> {
    [SortKey::CreatedAt, SortKey::UpdatedAt, SortKey::Slug]
        .into_iter()
        .flat_map(|key| [Direction::Ascending, Direction::Descending].map(|direction| LinkSort { key, direction }))
}

fn index(sort: LinkSort) -> &'static str {
    match sort.key {
        SortKey::CreatedAt => "waypost_link_created",
        SortKey::UpdatedAt => "waypost_link_updated",
        SortKey::Slug => "waypost_link_slug",
    }
}

/// A page from the middle of the listing.
fn query(sort: LinkSort) -> LinkQuery {
    let key = match sort.key {
        SortKey::Slug => AnchorKey::Text("80000000".to_owned()),
        SortKey::CreatedAt | SortKey::UpdatedAt => AnchorKey::Time(at(4_000)),
    };
    let after = Some(LinkAnchor { key, id: link_id(4_000) });
    let limit = Limit::new(50).unwrap();
    LinkQuery { workspace: workspace(1), filter: LinkFilter::default(), sort, after, limit }
}

/// The plan as it was carried out, from the outermost step inwards; without what is looked up for each row.
async fn plan(conn: &mut PgConnection, query: &LinkQuery) -> Vec<Value> {
    let explained = list::statement(query, "EXPLAIN (ANALYZE, FORMAT JSON) ").build().fetch_one(conn).await.unwrap();
    let explained: Value = explained.get(0);
    let inner = |step: &Value| {
        let inputs = step["Plans"].as_array()?;
        inputs.iter().find(|input| input["Parent Relationship"] == "Outer").cloned()
    };
    std::iter::successors(Some(explained[0]["Plan"].clone()), inner).collect()
}

fn kinds(plan: &[Value]) -> Vec<&str> {
    plan.iter().map(|step| step["Node Type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_page_deep_in_the_listing_is_one_walk_along_one_index_in_every_order() {
    let (_db, schema) = filled().await;
    let mut conn = schema.connection().await;
    for sort in every_order() {
        let plan = plan(&mut conn, &query(sort)).await;
        assert_eq!(kinds(&plan)[..2], ["Limit", "Index Scan"], "{sort:?} {plan:#?}");
        assert_eq!(plan[1]["Index Name"], index(sort));
        assert_eq!(plan[1]["Actual Rows"], 51, "the page, and one row that tells of the next");
        let seek = plan[1]["Index Cond"].as_str().unwrap();
        assert!(seek.contains("workspace = ") && seek.contains("ROW("), "{seek}");
        assert!(plan[1].get("Filter").is_none(), "{plan:#?}");
    }
}

#[tokio::test]
async fn a_common_tag_is_met_along_the_listings_own_order() {
    let (_db, schema) = filled().await;
    let mut conn = schema.connection().await;
    for sort in every_order() {
        let filter = LinkFilter { tag: Some(tag("common")), ..LinkFilter::default() };
        let limit = Limit::new(5).unwrap();
        let plan = plan(&mut conn, &LinkQuery { filter, limit, ..query(sort) }).await;
        assert_eq!(kinds(&plan), ["Limit", "Index Scan"], "{sort:?} {plan:#?}");
        assert_eq!(plan[1]["Index Name"], index(sort));
    }
}

#[tokio::test]
async fn a_rare_tag_is_found_by_its_own_index() {
    let (_db, schema) = filled().await;
    let mut conn = schema.connection().await;
    for sort in every_order() {
        let filter = LinkFilter { tag: Some(tag("rare")), ..LinkFilter::default() };
        let plan = plan(&mut conn, &LinkQuery { filter, ..query(sort) }).await;
        let found = plan.last().unwrap();
        assert_eq!(found["Index Name"], "waypost_link_tags", "{sort:?} {plan:#?}");
        assert!(found["Actual Rows"].as_u64().unwrap() <= LINKS / 1_000, "of this workspace alone: {found}");
    }
}

#[tokio::test]
async fn an_exact_destination_is_found_by_its_hash() {
    let (_db, schema) = filled().await;
    let mut conn = schema.connection().await;
    for sort in every_order() {
        let destination = Some(link(1).destination.as_str().to_owned());
        let filter = LinkFilter { destination, ..LinkFilter::default() };
        let plan = plan(&mut conn, &LinkQuery { filter, ..query(sort) }).await;
        let found = plan.last().unwrap();
        assert_eq!(found["Index Name"], "waypost_link_destination", "{sort:?} {plan:#?}");
        assert!(found["Actual Rows"].as_u64().unwrap() <= 1);
    }
}

#[tokio::test]
async fn what_is_due_is_found_by_its_own_index() {
    let (_db, schema) = filled().await;
    let mut conn = schema.connection().await;
    let due = "EXPLAIN SELECT FROM waypost_link l WHERE l.expires_at IS NOT NULL AND NOT l.expiry_told \
               AND l.expires_at <= now() ORDER BY l.expires_at, l.id LIMIT 500";
    let lines = sqlx::query(due).fetch_all(&mut conn).await.unwrap();
    let plan = lines.iter().map(|line| line.get::<String, _>(0)).collect::<Vec<_>>().join("\n");
    assert!(plan.contains("waypost_link_due") && !plan.contains("Sort"), "{plan}");
}
