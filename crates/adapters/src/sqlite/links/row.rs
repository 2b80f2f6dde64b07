//! A link as a row.

use std::num::NonZeroU64;

use sqlx::sqlite::SqliteRow;
use waypost_core::ids::{LinkId, WorkspaceId};
use waypost_core::links::{
    Destination, Domain, Link, Metadata, RedirectStatus, ReferrerPolicy, Slug, Tag, Tags, Title, Version,
};

use crate::sqlite::columns::{Columns as _, Query, micros, number};
use crate::sqlite::error::Fault;

/// Begins every statement that reads links.
pub(super) const SELECT: &str = "SELECT l.id, l.workspace, l.domain, l.slug, l.destination, l.title, l.tags, \
    l.redirect_status, l.referrer_policy, l.cache_seconds, l.expires_at, l.disabled_at, l.max_clicks, l.admitted, \
    l.metadata, l.created_at, l.updated_at, l.version, coalesce(t.human + t.bot + t.duplicate, 0) FROM waypost_link l";

/// Brings in the clicks that were counted.
pub(super) const TOTALS: &str = " LEFT JOIN waypost_click_total t ON t.link = l.id ";

/// What [`bind`] binds, in this order.
pub(super) const COLUMNS: &str = "id, workspace, domain, slug, destination, destination_hash, title, tags, \
    redirect_status, referrer_policy, cache_seconds, expires_at, disabled_at, max_clicks, metadata, created_at, \
    updated_at, version";
/// How many they are.
pub(super) const VALUES: usize = 18;

/// Binds all that a write may set.
pub(super) fn bind<'q>(query: Query<'q>, link: &Link) -> Query<'q> {
    query
        .bind(&link.id.to_bytes()[..])
        .bind(&link.workspace.to_bytes()[..])
        .bind(link.domain.as_str())
        .bind(link.slug.as_str())
        .bind(link.destination.as_str())
        .bind(hash(link.destination.as_str()))
        .bind(link.title.as_ref().map(Title::as_str))
        .bind(tags_json(&link.tags))
        .bind(i64::from(link.redirect_status.get()))
        .bind(link.referrer_policy.map(ReferrerPolicy::as_str))
        .bind(link.cache_seconds.map(i64::from))
        .bind(link.expires_at.map(micros))
        .bind(link.disabled_at.map(micros))
        .bind(link.max_clicks.map(|max| number(max.get())))
        .bind(link.metadata.to_json())
        .bind(micros(link.created_at))
        .bind(micros(link.updated_at))
        .bind(number(link.version.0))
}

/// Reads a row of [`SELECT`].
pub(super) fn read(row: &SqliteRow) -> Result<Link, Fault> {
    let tags: Vec<String> = serde_json::from_str(row.at(6)?).map_err(|_| Fault::Column("tags"))?;
    let tags = tags.iter().map(|tag| Tag::parse(tag).map_err(|_| Fault::Column("tags")));
    Ok(Link {
        id: LinkId::from_bytes(row.bytes(0)?),
        workspace: WorkspaceId::from_bytes(row.bytes(1)?),
        domain: Domain::trusted(row.at(2)?),
        slug: Slug::trusted(row.at(3)?),
        destination: Destination::trusted(row.at(4)?),
        title: row.at::<Option<&str>>(5)?.map(Title::parse).transpose().map_err(|_| Fault::Column("title"))?,
        tags: Tags::new(tags.collect::<Result<Vec<_>, _>>()?).ok_or(Fault::Column("tags"))?,
        redirect_status: RedirectStatus::new(row.count(7)?).ok_or(Fault::Column("redirect_status"))?,
        referrer_policy: row.at::<Option<&str>>(8)?.and_then(ReferrerPolicy::new),
        cache_seconds: row.at(9)?,
        expires_at: row.maybe_time(10)?,
        disabled_at: row.maybe_time(11)?,
        max_clicks: row.at::<Option<i64>>(12)?.and_then(|max| NonZeroU64::new(max.unsigned_abs())),
        admitted: row.count(13)?,
        clicks: row.count(18)?,
        metadata: Metadata::trusted(row.at(14)?),
        created_at: row.time(15)?,
        updated_at: row.time(16)?,
        version: Version(row.count(17)?),
    })
}

fn tags_json(tags: &Tags) -> String {
    let tags: Vec<_> = tags.iter().map(Tag::as_str).collect();
    serde_json::to_string(&tags).unwrap_or_else(|_| "[]".to_owned())
}

/// FNV-1a, 64 bits: small, and the same in every version of every program. Rows that it brings together wrongly are
/// parted by the text itself.
pub(super) fn hash(text: &str) -> i64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_is_that_of_files_already_written() {
        assert_eq!(super::hash("").cast_unsigned(), 0xcbf2_9ce4_8422_2325);
        assert_eq!(super::hash("foobar").cast_unsigned(), 0x8594_4171_f739_67e8);
    }
}
