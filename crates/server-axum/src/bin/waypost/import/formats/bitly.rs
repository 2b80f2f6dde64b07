//! Bitly: answers of `GET /v4/groups/{guid}/bitlinks` (and `/v4/bitlinks/{id}`), and its CSV lists.
//!
//! One item may be known under several names: the back-half that Bitly made, and each custom one. All of them are out in
//! the world, so each becomes a link.

use super::item::{Item, Mapped};
use super::row::Row;
use super::short_url;

const USED: [&str; 13] = [
    "link",
    "id",
    "custom_bitlinks",
    "long_url",
    "title",
    "tags",
    "archived",
    "created_at",
    "expiration_at",
    "deeplinks",
    "campaign_ids",
    "is_deleted",
    "clicks",
];

/// Facts about the record in Bitly's own books.
const IDLE: [&str; 9] = [
    "created_by",
    "client_id",
    "references",
    "modified_at",
    "keyword",
    "guid",
    "group_guid",
    "created_by_user",
    "qr_code",
];

/// The links that one bitlink becomes.
pub(super) fn map(item: &Item) -> Mapped {
    if item.is_set("is_deleted") {
        return Err("deleted at the source".to_owned());
    }
    let mut row = Row::new(item.line, item.text("long_url"))?;
    row.title = item.text("title").map(str::to_owned);
    item.names("tags").into_iter().for_each(|tag| row.tag(tag));
    row.created(item.time("created_at")?.as_deref());
    row.expires(item.time("expiration_at")?.as_deref())?;
    row.clicks(item.count("clicks"), None);
    if item.is_set("archived") {
        row.keep("archived", true);
        row.leave_out("archived (kept in metadata; the link redirects, as it did)");
    }
    if item.is_set("deeplinks") {
        row.leave_out("deep links into apps");
    }
    if item.is_set("campaign_ids") {
        row.leave_out("campaigns");
    }
    item.note_unknown(&mut row, &USED, &IDLE);

    let mut urls: Vec<&str> = item.text("link").or_else(|| item.text("id")).into_iter().collect();
    urls.extend(item.names("custom_bitlinks"));
    let mut rows: Vec<Row> = Vec::with_capacity(urls.len());
    for url in urls {
        let (domain, slug) = short_url::split(url);
        let known = rows.iter().any(|row| row.slug.as_deref() == Some(&slug) && row.domain == domain);
        if slug.is_empty() || known {
            continue;
        }
        let mut named = Row { slug: Some(slug), domain, ..row.clone() };
        named.keep("imported_from", url);
        rows.push(named);
    }
    if rows.is_empty() { Err("no back-half".to_owned()) } else { Ok(rows) }
}
