//! Listing: one statement, built from the filters that are there.
//!
//! Each sort order has an index that ends in the id, and the place to go on from is compared as one row value with
//! those columns. So a page is one descent into the index and a walk of its rows, wherever in the listing it lies.

use sqlx::QueryBuilder;
use sqlx::sqlite::{Sqlite as Driver, SqliteConnection};
use waypost_core::links::{AnchorKey, Direction, Link, LinkAnchor, LinkQuery, SortKey};
use waypost_core::page::Page;

use super::row;
use crate::sqlite::columns::micros;
use crate::sqlite::error::Fault;

/// Reads one page.
pub(super) async fn list(conn: &mut SqliteConnection, query: &LinkQuery) -> Result<Page<Link, LinkAnchor>, Fault> {
    let rows = statement(query, "").build().fetch_all(conn).await?;
    let links = rows.iter().map(row::read).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::cut(links, query.limit, |link| LinkAnchor::of(link, query.sort)))
}

/// The statement for a page and one row more, which tells whether there is a next page.
pub(super) fn statement(query: &LinkQuery, prefix: &'static str) -> QueryBuilder<Driver> {
    let (column, index) = match query.sort.key {
        SortKey::CreatedAt => ("l.created_at", "waypost_link_created"),
        SortKey::UpdatedAt => ("l.updated_at", "waypost_link_updated"),
        SortKey::Slug => ("l.slug", "waypost_link_slug"),
    };
    let (beyond, order) = match query.sort.direction {
        Direction::Ascending => (" > ", " ASC"),
        Direction::Descending => (" < ", " DESC"),
    };
    let filter = &query.filter;
    // Few links lead to one place: there, sorting a handful beats walking the whole order.
    let index = if filter.destination.is_some() { "waypost_link_destination" } else { index };

    let mut sql = QueryBuilder::new(prefix);
    sql.push(row::SELECT).push(" INDEXED BY ").push(index).push(row::TOTALS);
    sql.push("WHERE l.workspace = ").push_bind(query.workspace.to_bytes().to_vec());
    if let Some(after) = &query.after {
        sql.push(" AND (").push(column).push(", l.id)").push(beyond).push("(");
        match &after.key {
            AnchorKey::Time(at) => sql.push_bind(micros(*at)),
            AnchorKey::Text(text) => sql.push_bind(text.clone()),
        };
        sql.push(", ").push_bind(after.id.to_bytes().to_vec()).push(")");
    }
    if let Some(destination) = &filter.destination {
        sql.push(" AND l.destination_hash = ").push_bind(row::hash(destination));
        sql.push(" AND l.destination = ").push_bind(destination.clone());
    }
    if let Some(tag) = &filter.tag {
        sql.push(" AND EXISTS (SELECT 1 FROM waypost_link_tag g WHERE g.workspace = l.workspace AND g.link = l.id AND g.tag = ");
        sql.push_bind(tag.as_str().to_owned()).push(")");
    }
    if let Some(domain) = &filter.domain {
        sql.push(" AND l.domain = ").push_bind(domain.as_str().to_owned());
    }
    if let Some(text) = &filter.text {
        // SQLite's own `lower` folds ASCII only, as the filter demands; `instr` knows no wildcards.
        let text = text.to_ascii_lowercase();
        sql.push(" AND (instr(lower(l.slug), ").push_bind(text.clone());
        sql.push(") OR instr(lower(l.destination), ").push_bind(text.clone());
        sql.push(") OR instr(lower(coalesce(l.title, '')), ").push_bind(text).push("))");
    }
    if let Some(at) = filter.created_after {
        sql.push(" AND l.created_at > ").push_bind(micros(at));
    }
    if let Some(at) = filter.created_before {
        sql.push(" AND l.created_at < ").push_bind(micros(at));
    }
    sql.push(" ORDER BY ").push(column).push(order).push(", l.id").push(order);
    sql.push(" LIMIT ").push_bind(i64::try_from(query.limit.get()).unwrap_or(i64::MAX).saturating_add(1));
    sql
}
