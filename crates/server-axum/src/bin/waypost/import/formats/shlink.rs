//! Shlink: answers of `GET /rest/v3/short-urls`, and the CSV of its web client or of `short-url:list`.

use super::item::{Item, Mapped};
use super::row::Row;
use super::short_url;

const USED: [&str; 14] = [
    "shortCode",
    "shortUrl",
    "longUrl",
    "domain",
    "title",
    "tags",
    "dateCreated",
    "meta",
    "visitsCount",
    "visitsSummary",
    "deviceLongUrls",
    "hasRedirectRules",
    "forwardQuery",
    "crawlable",
];

/// Facts that a link here has no use for: the old name of a summary, and the account that made it.
const IDLE: [&str; 3] = ["originalUrl", "validateUrl", "author"];

/// The link that one short URL becomes.
pub(super) fn map(item: &Item) -> Mapped {
    let mut row = Row::new(item.line, item.text("longUrl"))?;
    let from = item.text("shortUrl");
    let path = || from.map(|url| short_url::split(url).1).unwrap_or_default();
    let code = item.text("shortCode").map(short_url::slug).unwrap_or_else(path);
    if code.is_empty() {
        return Err("no short code".to_owned());
    }
    row.slug = Some(code);
    // `domain` is null on the default host, and that host is the old server's, not one that was chosen for the link.
    row.domain = item.text("domain").and_then(short_url::domain);
    if let Some(from) = from {
        row.keep("imported_from", from);
    }
    row.title = item.text("title").map(str::to_owned);
    item.names("tags").into_iter().for_each(|tag| row.tag(tag));
    row.created(item.time("dateCreated")?.as_deref());
    let meta = item.object("meta");
    row.expires(meta.time("validUntil")?.as_deref())?;
    let visits = item.object("visitsSummary").count("total").or_else(|| item.count("visitsCount"));
    row.clicks(visits, meta.limit("maxVisits")?);
    if let Some(since) = meta.time("validSince")? {
        row.keep("valid_since", since);
        row.leave_out("start time (kept in metadata; the link works at once)");
    }
    if item.is_set("deviceLongUrls") {
        row.leave_out("destinations by device");
    }
    if item.is_set("hasRedirectRules") {
        row.leave_out("redirect rules");
    }
    if item.is_set("forwardQuery") {
        row.leave_out("forwarding of the query");
    }
    if item.is_set("crawlable") {
        row.leave_out("permission for crawlers");
    }
    item.note_unknown(&mut row, &USED, &IDLE);
    Ok(vec![row])
}
