//! Listing: one statement, built from the filters that are there.
//!
//! Each sort order has an index that ends in the id, and the place to go on from is compared as one row value with
//! those columns. So a page is one descent into the index and a walk of its rows, wherever in the listing it lies. What
//! few rows have, a destination or a rare tag, is found by an index of its own, and those few are sorted.
//!
//! Statements are planned with their values, each time: how many rows have a tag is what decides between the two.

use sqlx::QueryBuilder;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use waypost_core::links::{AnchorKey, Direction, Link, LinkAnchor, LinkFilter, LinkQuery, SortKey};
use waypost_core::page::Page;

use super::row::{self, select_links};
use crate::postgres::columns::{Driver, Moment, number};
use crate::postgres::error::Fault;

/// Reads one page.
pub(super) async fn list(conn: &mut PgConnection, query: &LinkQuery) -> Result<Page<Link, LinkAnchor>, Fault> {
    let links = if is_fulfillable(&query.filter) {
        let rows = statement(query, "").build().persistent(false).fetch_all(conn).await?;
        rows.iter().map(row::read).collect::<Result<Vec<_>, _>>()?
    } else {
        Vec::new()
    };
    Ok(Page::cut(links, query.limit, |link| LinkAnchor::of(link, query.sort)))
}

/// PostgreSQL's texts hold no NUL, so no link has one, and none can be asked for.
fn is_fulfillable(filter: &LinkFilter) -> bool {
    let texts = [
        filter.text.as_deref(),
        filter.destination.as_deref(),
        filter.tag.as_ref().map(|tag| tag.as_str()),
        filter.domain.as_ref().map(|domain| domain.as_str()),
    ];
    !texts.into_iter().flatten().any(|text| text.contains('\0'))
}

/// The statement for a page and one row more, which tells whether there is a next page.
pub(super) fn statement(query: &LinkQuery, prefix: &'static str) -> QueryBuilder<Driver> {
    let column = match query.sort.key {
        SortKey::CreatedAt => "l.created_at",
        SortKey::UpdatedAt => "l.updated_at",
        SortKey::Slug => "l.slug",
    };
    let (beyond, order) = match query.sort.direction {
        Direction::Ascending => (" > ", " ASC"),
        Direction::Descending => (" < ", " DESC"),
    };
    let filter = &query.filter;
    let workspace = Uuid::from_bytes(query.workspace.to_bytes());

    let mut sql = QueryBuilder::new(prefix);
    sql.push(select_links!("WHERE l.workspace = ")).push_bind(workspace);
    if let Some(after) = &query.after {
        sql.push(" AND (").push(column).push(", l.id)").push(beyond).push("(");
        match &after.key {
            AnchorKey::Time(at) => sql.push_bind(Moment(*at)),
            AnchorKey::Text(text) => sql.push_bind(text.clone()),
        };
        sql.push(", ").push_bind(Uuid::from_bytes(after.id.to_bytes())).push(")");
    }
    if let Some(destination) = &filter.destination {
        sql.push(" AND hashtextextended(l.destination, 0) = hashtextextended(").push_bind(destination.clone());
        sql.push(", 0) AND l.destination = ").push_bind(destination.clone());
    }
    if let Some(tag) = &filter.tag {
        // The expression and the condition of the index, word for word, so that it can be used.
        let both = vec![tag.as_str().to_owned(), format!(" {workspace}")];
        sql.push(" AND l.tags <> '{}' AND array_append(l.tags, ' ' || l.workspace::text) @> ").push_bind(both);
    }
    if let Some(domain) = &filter.domain {
        sql.push(" AND l.domain = ").push_bind(domain.as_str().to_owned());
    }
    if let Some(text) = &filter.text {
        // In the collation "C", `lower` folds ASCII only, as the filter demands; `strpos` knows no wildcards.
        let text = text.to_ascii_lowercase();
        for (joint, column) in [(" AND (", "l.slug"), (" OR ", "l.destination"), (" OR ", "coalesce(l.title, '')")] {
            sql.push(joint).push("strpos(lower(").push(column).push(" COLLATE \"C\"), ");
            sql.push_bind(text.clone()).push(") > 0");
        }
        sql.push(")");
    }
    if let Some(at) = filter.created_after {
        sql.push(" AND l.created_at > ").push_bind(Moment(at));
    }
    if let Some(at) = filter.created_before {
        sql.push(" AND l.created_at < ").push_bind(Moment(at));
    }
    sql.push(" ORDER BY ").push(column).push(order).push(", l.id").push(order);
    sql.push(" LIMIT ").push_bind(number(query.limit.get()).saturating_add(1));
    sql
}
