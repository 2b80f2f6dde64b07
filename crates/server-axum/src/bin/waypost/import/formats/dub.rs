//! Dub: answers of `GET /links`, and the CSV of its dashboard.

use super::item::{Item, Mapped};
use super::row::Row;
use super::short_url;

const USED: [&str; 31] = [
    "key",
    "shortLink",
    "domain",
    "url",
    "title",
    "tags",
    "expiresAt",
    "archived",
    "password",
    "clicks",
    "createdAt",
    "comments",
    "externalId",
    "disabledAt",
    "expiredUrl",
    "proxy",
    "rewrite",
    "ios",
    "android",
    "geo",
    "testVariants",
    "trackConversion",
    "publicStats",
    "webhookIds",
    "folderId",
    "programId",
    "partnerId",
    "tenantId",
    "description",
    "image",
    "video",
];

/// Facts about the record in Dub's own books, repetitions of others, and figures that only Dub can count.
const IDLE: [&str; 25] = [
    "id",
    "updatedAt",
    "qrCode",
    "workspaceId",
    "projectId",
    "userId",
    "user",
    "tagId",
    "tagIds",
    "lastClicked",
    "leads",
    "conversions",
    "sales",
    "saleAmount",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "doIndex",
    "testStartedAt",
    "testCompletedAt",
    "identifier",
    "linkRetentionCleanupDisabledAt",
    "flagged",
];

/// What Dub can do with a link and a link here cannot.
const LEFT_OUT: [(&str, &str); 14] = [
    ("expiredUrl", "destination after the expiry"),
    ("proxy", "preview cards of its own"),
    ("rewrite", "cloaking"),
    ("ios", "destinations by device"),
    ("android", "destinations by device"),
    ("geo", "destinations by country"),
    ("testVariants", "split tests"),
    ("trackConversion", "tracking of conversions"),
    ("publicStats", "public statistics"),
    ("webhookIds", "webhooks of a link"),
    ("folderId", "folders"),
    ("programId", "partner programmes"),
    ("partnerId", "partner programmes"),
    ("tenantId", "tenants"),
];

/// The link that one item becomes.
pub(super) fn map(item: &Item) -> Mapped {
    item.refuse_password("password")?;
    let key = item.text("key").map(short_url::slug);
    let (host, path) = item.text("shortLink").map(short_url::split).unwrap_or_default();
    let slug = key.unwrap_or(path);
    // `_root` is what Dub calls the bare domain.
    if slug == "_root" {
        return Err("the root of a domain, which is no link here".to_owned());
    }
    if slug.is_empty() {
        return Err("no key".to_owned());
    }
    let mut row = Row::new(item.line, item.text("url"))?;
    row.slug = Some(slug);
    row.domain = item.text("domain").map_or(host, short_url::domain);
    if let Some(from) = item.text("shortLink") {
        row.keep("imported_from", from);
    }
    row.title = item.text("title").map(str::to_owned);
    item.names("tags").into_iter().for_each(|tag| row.tag(tag));
    row.created(item.time("createdAt")?.as_deref());
    row.expires(item.time("expiresAt")?.as_deref())?;
    row.disabled = item.is_set("disabledAt");
    row.clicks(item.count("clicks"), None);
    for (key, name) in [("comments", "comments"), ("externalId", "external_id")] {
        if let Some(text) = item.text(key) {
            row.keep(name, text);
        }
    }
    if item.is_set("archived") {
        row.keep("archived", true);
        row.leave_out("archived (kept in metadata; the link redirects, as it did)");
    }
    for (key, what) in LEFT_OUT {
        if item.is_set(key) {
            row.leave_out(what);
        }
    }
    item.note_unknown(&mut row, &USED, &IDLE);
    Ok(vec![row])
}
