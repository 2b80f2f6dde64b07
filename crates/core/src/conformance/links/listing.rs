//! Clause 5, of a listing that nobody changes: the order, and where it ends.

use super::inserted;
use crate::conformance::Stores;
use crate::conformance::fixtures::{at, link, slug, workspace};
use crate::ids::LinkId;
use crate::links::{Direction, Link, LinkAnchor, LinkFilter, LinkQuery, LinkSort, SortKey};
use crate::page::Limit;

/// Every sort order there is.
pub(super) fn every_sort() -> impl Iterator<Item = LinkSort> + Clone {
    LinkSort::ALLOWED.into_iter().map(|name| LinkSort::parse(name).expect("an allowed name"))
}

/// The first page of `limit` links of the first workspace.
pub(super) fn query(sort: LinkSort, limit: u64) -> LinkQuery {
    let limit = Limit::new(limit).expect("not zero");
    LinkQuery { workspace: workspace(1), filter: LinkFilter::default(), sort, after: None, limit }
}

/// Turns pages to the end, and checks of each that it keeps to its limit and ends where its anchor says.
pub(super) async fn pages(stores: &Stores, mut query: LinkQuery) -> Vec<Vec<Link>> {
    let mut pages = Vec::new();
    loop {
        let page = stores.links.list(&query).await.expect("a page");
        assert!(page.rows.len() <= query.limit.get());
        let last = page.rows.last().map(|link| LinkAnchor::of(link, query.sort));
        assert!(page.next.is_none() || page.next == last, "a page goes on after its last row");
        pages.push(page.rows);
        assert!(pages.len() < 10_000, "the listing has no end");
        let Some(next) = page.next else { return pages };
        query.after = Some(next);
    }
}

/// The ids of all pages.
pub(super) async fn listed(stores: &Stores, query: LinkQuery) -> Vec<LinkId> {
    pages(stores, query).await.concat().into_iter().map(|link| link.id).collect()
}

/// What the order must be, said plainly.
fn sorted(mut links: Vec<Link>, sort: LinkSort) -> Vec<LinkId> {
    links.sort_by_key(|link| LinkAnchor::of(link, sort));
    if sort.direction == Direction::Descending {
        links.reverse();
    }
    links.into_iter().map(|link| link.id).collect()
}

/// Clause 5: by time, by time of edit, by slug, both ways, with any size of page.
pub async fn every_sort_is_a_total_order_by_key_and_id(stores: Stores) {
    let links: Vec<_> = (0..23)
        .map(|n| Link {
            slug: slug(&format!("s{}", n * 7 % 23)),
            created_at: at(1_000 + i64::try_from(n * 5 % 6).expect("small")),
            updated_at: at(2_000 + i64::try_from(n * 3 % 4).expect("small")),
            ..link(n * 11 % 23)
        })
        .collect();
    inserted(&stores, &links).await;
    for sort in every_sort() {
        let expected = sorted(links.clone(), sort);
        for limit in [1, 4, 23, 100] {
            assert_eq!(listed(&stores, query(sort, limit)).await, expected, "{sort:?} by {limit}");
        }
    }
}

/// Clause 5: not by the alphabet of any language, nor by UTF-16 units.
pub async fn slugs_are_sorted_by_code_points(stores: Stores) {
    let sorted =
        ["+1", "0", "10", "2", "A", "Z", "_", "a", "a+", "a0", "aA", "aa", "z", "~", "é", "日", "\u{FF21}", "𝒳"];
    let links: Vec<_> = sorted.iter().zip(0..).map(|(text, n)| Link { slug: slug(text), ..link(n * 7 % 18) }).collect();
    inserted(&stores, &links).await;
    let mut expected: Vec<_> = links.iter().map(|link| link.id).collect();
    let sort = LinkSort { key: SortKey::Slug, direction: Direction::Ascending };
    assert_eq!(listed(&stores, query(sort, 5)).await, expected);
    expected.reverse();
    let sort = LinkSort { direction: Direction::Descending, ..sort };
    assert_eq!(listed(&stores, query(sort, 5)).await, expected);
}

/// Clause 5: a hundred rows of one moment are no obstacle.
pub async fn ties_are_broken_by_id_across_pages(stores: Stores) {
    let links: Vec<_> = (0..30).map(|n| Link { created_at: at(5), updated_at: at(5), ..link(n * 7 % 30) }).collect();
    inserted(&stores, &links).await;
    for sort in every_sort() {
        assert_eq!(listed(&stores, query(sort, 4)).await, sorted(links.clone(), sort), "{sort:?}");
    }
}

/// Of [`Page`](crate::page::Page): no page leads to an empty one.
pub async fn the_last_page_says_so(stores: Stores) {
    inserted(&stores, &[link(1), link(2), link(3), link(4)]).await;
    for sort in every_sort() {
        for (limit, sizes) in [(2, vec![2, 2]), (3, vec![3, 1]), (4, vec![4]), (5, vec![4])] {
            let found: Vec<_> = pages(&stores, query(sort, limit)).await.iter().map(Vec::len).collect();
            assert_eq!(found, sizes, "{sort:?} by {limit}");
        }
    }
}

/// Of [`Page`](crate::page::Page).
pub async fn an_empty_listing_is_one_empty_page(stores: Stores) {
    for sort in every_sort() {
        assert_eq!(pages(&stores, query(sort, 10)).await, [Vec::<Link>::new()]);
    }
}
