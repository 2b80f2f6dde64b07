//! How SQLite runs the statements of links: each page is one descent into one index, and nothing is sorted.

use sqlx::Row as _;
use waypost_core::conformance::fixtures::{at, link, link_id, tag, workspace};
use waypost_core::links::{AnchorKey, Direction, LinkAnchor, LinkFilter, LinkQuery, LinkSort, SortKey};
use waypost_core::page::Limit;

use super::list;
use crate::sqlite::tests::database;

async fn plan(query: &LinkQuery) -> String {
    let (db, _folder) = database().await;
    let mut conn = db.read().await.unwrap();
    let rows = list::statement(query, "EXPLAIN QUERY PLAN ").build().fetch_all(&mut *conn).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>().join("\n")
}

fn every_order() -> impl Iterator<Item = LinkSort> {
    [SortKey::CreatedAt, SortKey::UpdatedAt, SortKey::Slug]
        .into_iter()
        .flat_map(|key| [Direction::Ascending, Direction::Descending].map(|direction| LinkSort { key, direction }))
}

fn query(sort: LinkSort) -> LinkQuery {
    let key = match sort.key {
        SortKey::Slug => AnchorKey::Text("link-500".to_owned()),
        SortKey::CreatedAt | SortKey::UpdatedAt => AnchorKey::Time(at(500)),
    };
    let after = Some(LinkAnchor { key, id: link_id(500) });
    LinkQuery { workspace: workspace(1), filter: LinkFilter::default(), sort, after, limit: Limit::MAX }
}

#[tokio::test]
async fn a_page_deep_in_the_listing_begins_with_a_seek_in_every_order() {
    for sort in every_order() {
        let (column, index) = match sort.key {
            SortKey::CreatedAt => ("created_at", "waypost_link_created"),
            SortKey::UpdatedAt => ("updated_at", "waypost_link_updated"),
            SortKey::Slug => ("slug", "waypost_link_slug"),
        };
        let beyond = if sort.direction == Direction::Ascending { '>' } else { '<' };
        let plan = plan(&query(sort)).await;
        let seek = format!("SEARCH l USING INDEX {index} (workspace=? AND ({column},id){beyond}(?,?))");
        assert!(plan.contains(&seek) && !plan.contains("TEMP B-TREE"), "{sort:?}\n{plan}");
    }
}

#[tokio::test]
async fn a_tag_is_looked_up_row_by_row_in_the_listings_own_order() {
    for sort in every_order() {
        let filter = LinkFilter { tag: Some(tag("docs")), ..LinkFilter::default() };
        let plan = plan(&LinkQuery { filter, ..query(sort) }).await;
        assert!(plan.contains("PRIMARY KEY (workspace=? AND tag=? AND link=?)"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[tokio::test]
async fn an_exact_destination_is_found_by_its_hash() {
    let destination = Some(link(1).destination.as_str().to_owned());
    let filter = LinkFilter { destination, ..LinkFilter::default() };
    let plan = plan(&LinkQuery { filter, ..query(LinkSort::default()) }).await;
    assert!(plan.contains("waypost_link_destination (workspace=? AND destination_hash=?)"), "{plan}");
}
