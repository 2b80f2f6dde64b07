//! Clause 7: a store's own query agrees with [`LinkFilter::admits`], row by row.

use std::collections::BTreeSet;

use super::inserted;
use super::listing::{listed, query};
use crate::conformance::Stores;
use crate::conformance::fixtures::{at, just_before, link, slug, tag};
use crate::ids::LinkId;
use crate::links::{Destination, Domain, Link, LinkFilter, LinkQuery, LinkSort, Tags, Title};

/// Every title with another slug, destination, domain, time and tags.
fn links() -> Vec<Link> {
    let titles = [
        "plain",
        "Plain",
        "50% off",
        "50 off",
        "a_b",
        "axb",
        "a\\b",
        "a\\\\b",
        "a\\%b",
        "%",
        "_",
        "\\",
        "É",
        "é",
        "É é",
        "STRASSE",
        "straße",
        "it's",
        "say \"hi\"",
        "a*b?",
        "[ab]",
        "日本語",
        "İstanbul",
        "ISTANBUL",
        "Kelvin K",
        "kelvin k",
    ];
    let slugs = ["promo", "Promo", "PROMO-%".trim_end_matches('%'), "pro_mo", "pröMo", "日本", "x~y+z", "pro.mo"];
    let tags = ["news", "News", "new", "news2", "a,b", "50%", "_ews", "日本", "\"q\"", "it's", "back\\slash", "*"];
    let domains = ["", "go.example.org", "go.example.com", "xgo.example.org"];
    (0..78)
        .map(|n: usize| {
            let number = u64::try_from(n).expect("small");
            let path = ["A/B", "a/b", "?q=50%25", "?q=a_b", "?q=a\\b", "%C3%A9", "?q='x'"][n % 7];
            let labels = [tags[n % tags.len()], tags[n * 5 % tags.len()]].map(tag);
            Link {
                slug: slug(&format!("{}-{n}", slugs[n % slugs.len()])),
                destination: Destination::trusted(format!("https://example.com/{path}")),
                title: (!n.is_multiple_of(9)).then(|| Title::parse(titles[n % titles.len()]).expect("a valid title")),
                tags: if n.is_multiple_of(10) { Tags::default() } else { Tags::new(labels).expect("two tags") },
                domain: Domain::trusted(domains[n % domains.len()]),
                created_at: at(i64::try_from(n / 3).expect("small")),
                ..link(number)
            }
        })
        .collect()
}

async fn found(stores: &Stores, filter: &LinkFilter, limit: u64) -> BTreeSet<LinkId> {
    let query = LinkQuery { filter: filter.clone(), ..query(LinkSort::default(), limit) };
    listed(stores, query).await.into_iter().collect()
}

/// Compares the store with the pure function; each filter must also tell some rows from others.
async fn agree(stores: Stores, filters: Vec<LinkFilter>) {
    let links = links();
    inserted(&stores, &links).await;
    for filter in filters {
        let expected: BTreeSet<_> = links.iter().filter(|link| filter.admits(link)).map(|link| link.id).collect();
        assert_eq!(found(&stores, &filter, 100).await, expected, "{filter:?}");
    }
}

fn text(part: &str) -> LinkFilter {
    LinkFilter { text: Some(part.to_owned()), ..LinkFilter::default() }
}

/// Clause 7: no character is a wildcard, none is an escape, and only ASCII letters have two cases.
pub async fn texts_match_literally_and_in_either_ascii_case(stores: Stores) {
    let parts = [
        "plain",
        "PLAIN",
        "lai",
        "%",
        "_",
        "\\",
        "\\\\",
        "\\%",
        "%%",
        "50%",
        "50% o",
        "a_b",
        "A_B",
        "a\\b",
        "É",
        "é",
        "e",
        "straße",
        "STRASSE",
        "strasse",
        "ß",
        "'",
        "\"",
        "*",
        "?",
        "[",
        "[ab]",
        "日",
        "本語",
        "İ",
        "i",
        "istanbul",
        "K",
        "k",
        "K",
        "promo",
        "pRoMo",
        "pro_mo",
        "ö",
        "Ö",
        "https://",
        "EXAMPLE.com",
        "a/b",
        "%C3",
        "%c3",
        "q=a\\b",
        "",
        "-7",
        "nothing of the kind",
    ];
    agree(stores, parts.map(text).to_vec()).await;
}

/// Clause 7: a tag is not a part of another, nor the same in another case.
pub async fn tags_match_whole_and_exactly(stores: Stores) {
    let tags = [
        "news",
        "News",
        "NEWS",
        "new",
        "ews",
        "news2",
        "a",
        "a,b",
        "50%",
        "50",
        "%",
        "_ews",
        "日本",
        "日",
        "\"q\"",
        "q",
        "it's",
        "back\\slash",
        "*",
        "none of them",
    ];
    let filters = tags.map(|text| LinkFilter { tag: Some(tag(text)), ..LinkFilter::default() });
    agree(stores, filters.to_vec()).await;
}

/// Clause 7: the default domain is one too, and `%` in a destination is a character.
pub async fn domains_and_destinations_match_exactly(stores: Stores) {
    let domains = ["", "go.example.org", "go.example.com", "GO.example.org", "example.org", "%"];
    let domains = domains.map(|text| LinkFilter { domain: Some(Domain::trusted(text)), ..LinkFilter::default() });
    let paths = ["A/B", "a/b", "?q=50%25", "?q=a_b", "?q=axb", "?q=a\\b", "%C3%A9", "%c3%a9", "", "%"];
    let destinations = paths
        .map(|path| LinkFilter { destination: Some(format!("https://example.com/{path}")), ..LinkFilter::default() });
    agree(stores, [domains.to_vec(), destinations.to_vec()].concat()).await;
}

/// Clause 7: after is later, before is earlier; the moment itself is neither.
pub async fn times_exclude_their_own_moment(stores: Stores) {
    let moments = [at(-1), at(0), just_before(at(7)), at(7), at(25), at(26)];
    let mut filters = Vec::new();
    for moment in moments {
        filters.push(LinkFilter { created_after: Some(moment), ..LinkFilter::default() });
        filters.push(LinkFilter { created_before: Some(moment), ..LinkFilter::default() });
        for before in moments {
            let (created_after, created_before) = (Some(moment), Some(before));
            filters.push(LinkFilter { created_after, created_before, ..LinkFilter::default() });
        }
    }
    agree(stores, filters).await;
}

/// Clause 7: every condition that is there must hold.
pub async fn conditions_hold_together(stores: Stores) {
    let mut filters = vec![LinkFilter::default()];
    for part in ["a", "pro", "%", "_"] {
        for label in ["news", "50%"] {
            for domain in ["", "go.example.org"] {
                let some = LinkFilter {
                    tag: Some(tag(label)),
                    domain: Some(Domain::trusted(domain)),
                    created_after: Some(at(3)),
                    ..text(part)
                };
                filters.push(LinkFilter { created_before: Some(at(20)), ..some.clone() });
                filters.push(LinkFilter { destination: Some("https://example.com/a/b".to_owned()), ..some });
            }
        }
    }
    agree(stores, filters).await;
}

/// Clauses 5 and 7: a page is filled with rows that are wanted, and none is lost between pages.
pub async fn filters_hold_across_pages(stores: Stores) {
    let links = links();
    inserted(&stores, &links).await;
    for filter in [text("pro"), text("%"), LinkFilter { tag: Some(tag("news")), ..LinkFilter::default() }] {
        let expected: BTreeSet<_> = links.iter().filter(|link| filter.admits(link)).map(|link| link.id).collect();
        for limit in [1, 2, 5] {
            assert_eq!(found(&stores, &filter, limit).await, expected, "{filter:?} by {limit}");
        }
    }
}
