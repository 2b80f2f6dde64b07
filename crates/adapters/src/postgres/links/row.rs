//! A link as a row.

use std::num::NonZeroU64;

use sqlx::postgres::PgRow;
use uuid::Uuid;
use waypost_core::ids::{LinkId, WorkspaceId};
use waypost_core::links::{
    Destination, Domain, Link, Metadata, RedirectStatus, ReferrerPolicy, Slug, Tag, Tags, Title, Version,
};

use crate::postgres::columns::{Columns as _, Moment, Query, number};
use crate::postgres::error::Fault;

/// Begins every statement that reads links. The clicks are looked up for the rows that are given, not joined to all that
/// were looked at.
macro_rules! select_links {
    ($rest:expr) => {
        concat!(
            "SELECT l.id, l.workspace, l.domain, l.slug, l.destination, l.title, l.tags, l.redirect_status, \
             l.referrer_policy, l.cache_seconds, l.expires_at, l.disabled_at, l.max_clicks, l.admitted, l.metadata, \
             l.created_at, l.updated_at, l.version, coalesce((SELECT t.human + t.bot + t.duplicate \
             FROM waypost_click_total t WHERE t.link = l.id), 0) FROM waypost_link l ",
            $rest
        )
    };
}
pub(super) use select_links;

/// What [`bind`] and [`bind_all`] bind, in this order; tags may be told otherwise.
macro_rules! link_columns {
    () => {
        link_columns!("tags")
    };
    ($tags:literal) => {
        concat!(
            "id, workspace, domain, slug, destination, title, ",
            $tags,
            ", redirect_status, referrer_policy, cache_seconds, expires_at, disabled_at, max_clicks, metadata, \
             created_at, updated_at, version"
        )
    };
}
pub(super) use link_columns;

/// Binds all that a write may set, as the parameters 1 to 17.
pub(super) fn bind<'q>(query: Query<'q>, link: &'q Link) -> Query<'q> {
    query
        .bind(Uuid::from_bytes(link.id.to_bytes()))
        .bind(Uuid::from_bytes(link.workspace.to_bytes()))
        .bind(link.domain.as_str())
        .bind(link.slug.as_str())
        .bind(link.destination.as_str())
        .bind(link.title.as_ref().map(Title::as_str))
        .bind(link.tags.iter().map(Tag::as_str).collect::<Vec<_>>())
        .bind(status(link))
        .bind(link.referrer_policy.map(ReferrerPolicy::as_str))
        .bind(link.cache_seconds.map(i64::from))
        .bind(link.expires_at.map(Moment))
        .bind(link.disabled_at.map(Moment))
        .bind(link.max_clicks.map(|max| number(max.get())))
        .bind(link.metadata.to_json())
        .bind(Moment(link.created_at))
        .bind(Moment(link.updated_at))
        .bind(number(link.version.0))
}

/// Binds the same of many links, each parameter an array. The tags of one are an array in PostgreSQL's own notation, since
/// an array of arrays would have to be a rectangle.
pub(super) fn bind_all<'q>(query: Query<'q>, links: &[&'q Link]) -> Query<'q> {
    fn all<'q, T>(links: &[&'q Link], value: impl Fn(&'q Link) -> T) -> Vec<T> {
        links.iter().map(|link| value(link)).collect()
    }
    query
        .bind(all(links, |link| Uuid::from_bytes(link.id.to_bytes())))
        .bind(all(links, |link| Uuid::from_bytes(link.workspace.to_bytes())))
        .bind(all(links, |link| link.domain.as_str()))
        .bind(all(links, |link| link.slug.as_str()))
        .bind(all(links, |link| link.destination.as_str()))
        .bind(all(links, |link| link.title.as_ref().map(Title::as_str)))
        .bind(all(links, |link| array(&link.tags)))
        .bind(all(links, status))
        .bind(all(links, |link| link.referrer_policy.map(ReferrerPolicy::as_str)))
        .bind(all(links, |link| link.cache_seconds.map(i64::from)))
        .bind(all(links, |link| link.expires_at.map(Moment)))
        .bind(all(links, |link| link.disabled_at.map(Moment)))
        .bind(all(links, |link| link.max_clicks.map(|max| number(max.get()))))
        .bind(all(links, |link| link.metadata.to_json()))
        .bind(all(links, |link| Moment(link.created_at)))
        .bind(all(links, |link| Moment(link.updated_at)))
        .bind(all(links, |link| number(link.version.0)))
}

/// The parameters of [`bind_all`] as one row source, whose columns are those of [`link_columns`].
macro_rules! link_arrays {
    () => {
        "UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int4[], \
         $9::text[], $10::int8[], $11::timestamptz[], $12::timestamptz[], $13::int8[], $14::text[], \
         $15::timestamptz[], $16::timestamptz[], $17::int8[])"
    };
}
pub(super) use link_arrays;

/// Reads a row of [`select_links`].
pub(super) fn read(row: &PgRow) -> Result<Link, Fault> {
    let tags: Vec<String> = row.at(6)?;
    let tags = tags.iter().map(|tag| Tag::parse(tag).map_err(|_| Fault::Column("tags")));
    let status = row.at::<i32>(7)?;
    let cache_seconds = row.at::<Option<i64>>(9)?.map(u32::try_from).transpose();
    Ok(Link {
        id: LinkId::from_bytes(row.id(0)?),
        workspace: WorkspaceId::from_bytes(row.id(1)?),
        domain: Domain::trusted(row.at(2)?),
        slug: Slug::trusted(row.at(3)?),
        destination: Destination::trusted(row.at(4)?),
        title: row.at::<Option<&str>>(5)?.map(Title::parse).transpose().map_err(|_| Fault::Column("title"))?,
        tags: Tags::new(tags.collect::<Result<Vec<_>, _>>()?).ok_or(Fault::Column("tags"))?,
        redirect_status: u64::try_from(status)
            .ok()
            .and_then(RedirectStatus::new)
            .ok_or(Fault::Column("redirect_status"))?,
        referrer_policy: row.at::<Option<&str>>(8)?.and_then(ReferrerPolicy::new),
        cache_seconds: cache_seconds.map_err(|_| Fault::Column("cache_seconds"))?,
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

fn status(link: &Link) -> i32 {
    i32::from(link.redirect_status.get())
}

/// Tags as the text of an array (PostgreSQL, "Array Input and Output Syntax"): all quoted, with `\` before what quotes.
fn array(tags: &Tags) -> String {
    let quoted = tags.iter().map(|tag| format!("\"{}\"", tag.as_str().replace('\\', r"\\").replace('"', r#"\""#)));
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}
