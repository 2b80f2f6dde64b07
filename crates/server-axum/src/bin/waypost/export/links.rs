//! Links, as a table that can be imported again, or as the API shows them.

use waypost_core::ids::WorkspaceId;
use waypost_core::links::{Direction, Link, LinkFilter, LinkQuery, LinkSort, SortKey};
use waypost_core::page::Limit;
use waypost_core::wire::v1;

use super::out::Out;
use crate::failure::Failure;
use crate::store::Store;

/// What an import reads, and the id. The domain is empty for the main one, whatever it is called where this is
/// imported; `clicks` is empty for none.
const COLUMNS: [&str; 15] = [
    "slug",
    "destination",
    "domain",
    "title",
    "tags",
    "created_at",
    "expires_at",
    "max_clicks",
    "clicks",
    "redirect_status",
    "referrer_policy",
    "cache_seconds",
    "disabled",
    "metadata",
    "id",
];

/// Writes every link of a workspace, oldest first; says how many.
pub(super) async fn write(
    store: &Store,
    workspace: WorkspaceId,
    out: &mut Out,
    mut show: impl FnMut(u64),
) -> Result<u64, Failure> {
    let platform = &store.platform;
    let operator = store.operator(workspace);
    let mut query = LinkQuery {
        workspace,
        filter: LinkFilter::default(),
        sort: LinkSort { key: SortKey::CreatedAt, direction: Direction::Ascending },
        after: None,
        limit: Limit::MAX,
    };
    out.header(&COLUMNS)?;
    let mut rows = 0;
    operator.require(waypost_core::credentials::Scope::LinksRead)?;
    loop {
        let page = platform.ports().links.list(&query).await?;
        for link in &page.rows {
            let shown = || serde_json::to_vec(&v1::Link::of(link, &platform.site, platform.clock.now()));
            out.row(|| cells(link), shown)?;
            rows += 1;
        }
        show(rows);
        if page.next.is_none() {
            return Ok(rows);
        }
        query.after = page.next;
    }
}

fn cells(link: &Link) -> [String; COLUMNS.len()] {
    fn text(value: Option<impl ToString>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let tags: Vec<_> = link.tags.iter().map(|tag| tag.as_str()).collect();
    [
        link.slug.to_string(),
        link.destination.to_string(),
        link.domain.as_str().to_owned(),
        text(link.title.as_ref().map(|title| title.as_str())),
        // As JSON, since a tag may hold any separator.
        text((!tags.is_empty()).then(|| serde_json::json!(tags))),
        v1::Time(link.created_at).to_string(),
        text(link.expires_at.map(v1::Time)),
        text(link.max_clicks),
        text((link.clicks > 0).then_some(link.clicks)),
        link.redirect_status.get().to_string(),
        text(link.referrer_policy.map(|policy| policy.as_str())),
        text(link.cache_seconds),
        text(link.disabled_at.map(|_| "true")),
        text((!link.metadata.as_map().is_empty()).then(|| link.metadata.to_json())),
        link.id.to_string(),
    ]
}
