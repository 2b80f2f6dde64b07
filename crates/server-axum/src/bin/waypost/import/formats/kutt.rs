//! Kutt: answers of `GET /api/v2/links`, and its table `links` as CSV.

use super::item::{Item, Mapped};
use super::row::Row;
use super::short_url;

const USED: [&str; 11] = [
    "address",
    "link",
    "target",
    "domain",
    "description",
    "expire_in",
    "banned",
    "password",
    "visit_count",
    "created_at",
    "domain_id",
];

/// Facts about the record in Kutt's own books.
const IDLE: [&str; 8] = ["id", "uuid", "updated_at", "user_id", "banned_by_id", "searchable", "email", "total"];

/// The link that one item becomes.
pub(super) fn map(item: &Item) -> Mapped {
    item.refuse_password("password")?;
    let mut row = Row::new(item.line, item.text("target"))?;
    let address = item.text("address").ok_or("no address")?;
    row.slug = Some(short_url::slug(address));
    row.domain = item.text("domain").and_then(short_url::domain);
    if row.domain.is_none() && item.is_set("domain_id") {
        row.leave_out("domain, known by a number only");
    }
    if let Some(link) = item.text("link") {
        row.keep("imported_from", link);
    }
    row.title = item.text("description").map(str::to_owned);
    row.created(item.time("created_at")?.as_deref());
    row.expires(item.time("expire_in")?.as_deref())?;
    row.disabled = item.is_set("banned");
    row.clicks(item.count("visit_count"), None);
    item.note_unknown(&mut row, &USED, &IDLE);
    Ok(vec![row])
}
