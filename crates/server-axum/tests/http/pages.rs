//! Pages (contract §5).

use std::collections::BTreeSet;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::Server;

async fn fill(server: &Server, count: usize) {
    for n in 0..count {
        // Some are made in the same moment, so that the id has to break the tie.
        if n % 3 == 0 {
            server.clock.advance(Duration::from_secs(1));
        }
        let tag = if n % 2 == 0 { "even" } else { "odd" };
        server.make(json!({"destination": "https://example.com/", "slug": format!("s{n:03}"), "tags": [tag]})).await;
    }
}

fn slugs(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|link| link["slug"].as_str().unwrap().to_owned()).collect()
}

/// Walks all pages from `path` on by the header `Link`; `between` is done after each page.
async fn walk(server: &Server, path: &str, mut between: impl AsyncFnMut(usize)) -> Vec<String> {
    let (mut seen, mut path, mut pages) = (Vec::new(), path.to_owned(), 0);
    loop {
        let reply = server.get(&path).send().await;
        assert_eq!(reply.status, 200, "{path}");
        let page = reply.json();
        seen.extend(slugs(&page));
        assert_eq!(
            page["has_more"].as_bool().unwrap(),
            !page["next_cursor"].is_null(),
            "the cursor says whether there is more"
        );
        let Some(next) = reply.next() else {
            assert_eq!(page["next_cursor"], Value::Null, "header and body agree");
            return seen;
        };
        assert!(next.contains(page["next_cursor"].as_str().unwrap()), "header and body agree");
        pages += 1;
        between(pages).await;
        path = next;
    }
}

#[tokio::test]
async fn a_page_has_its_rows_its_cursor_and_its_link() {
    let server = Server::start().await;
    fill(&server, 3).await;
    let reply = server.get("/v1/links?limit=2&tag=even").send().await;
    assert_eq!(reply.json()["has_more"], false);
    assert_snapshot!("page", server.get("/v1/links?sort=slug&limit=1&q=s%2B%26").send().await.show());
    assert_snapshot!("page_with_next", server.get("/v1/links?sort=slug&limit=1&tag=even").send().await.show());
}

#[tokio::test]
async fn every_row_comes_once_in_every_order_and_the_link_keeps_the_filters() {
    let server = Server::start().await;
    fill(&server, 25).await;
    for sort in ["created_at", "-created_at", "updated_at", "-updated_at", "slug", "-slug"] {
        let seen = walk(&server, &format!("/v1/links?sort={sort}&limit=4"), async |_| {}).await;
        assert_eq!(seen.len(), 25, "{sort}");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 25, "{sort}");
        let mut sorted = seen.clone();
        sorted.sort();
        if sort.ends_with("slug") {
            if sort.starts_with('-') {
                sorted.reverse();
            }
            assert_eq!(seen, sorted, "{sort}");
        }
    }
    let odd = walk(&server, "/v1/links?limit=3&tag=odd&q=S0&domain=go.example", async |_| {}).await;
    assert_eq!(odd.len(), 12, "the filters hold on every page");
}

#[tokio::test]
async fn rows_that_come_and_go_neither_repeat_nor_hide_another() {
    let server = Server::start().await;
    fill(&server, 30).await;
    let ids: Vec<_> =
        server.get("/v1/links?sort=slug&limit=100").send().await.json()["data"].as_array().unwrap().clone();
    for sort in ["slug", "-created_at"] {
        let seen = walk(&server, &format!("/v1/links?sort={sort}&limit=5"), async |page| {
            if sort == "slug" {
                // The row that the cursor points at, one before it, and a new one on each side.
                for link in [page * 5 - 1, page * 5 - 3].into_iter().filter_map(|at| ids.get(at)) {
                    server.delete(&format!("/v1/links/{}", link["id"].as_str().unwrap())).send().await;
                }
                server.make_slug(&format!("a{page}")).await;
            }
            server.make_slug(&format!("{sort}z{page}")).await;
        })
        .await;
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "{sort}: no row twice");
        if sort == "slug" {
            let old = seen.iter().filter(|slug| slug.starts_with("s0")).count();
            assert_eq!(old, 30, "each row that was there all the time, or until it was seen");
        }
    }
}

#[tokio::test]
async fn a_limit_is_held_within_its_bounds() {
    let server = Server::start().await;
    fill(&server, 105).await;
    for (query, rows) in
        [("", 20), ("?limit=1", 1), ("?limit=100", 100), ("?limit=101", 100), ("?limit=99999999999999999999999", 100)]
    {
        let page = server.get(&format!("/v1/links{query}")).send().await.json();
        assert_eq!(page["data"].as_array().unwrap().len(), rows, "{query}");
    }
    let first = server.get("/v1/links?limit=5").send().await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = server.get(&format!("/v1/links?limit=90&cursor={cursor}")).send().await.json();
    assert_eq!(second["data"].as_array().unwrap().len(), 90, "a later page may be of another size");
}

#[tokio::test]
async fn a_cursor_does_not_expire() {
    let server = Server::start().await;
    fill(&server, 3).await;
    let next = server.get("/v1/links?limit=1").send().await.next().unwrap();
    server.clock.advance(Duration::from_secs(400 * 24 * 60 * 60));
    assert_eq!(server.get(&next).send().await.status, 200);
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let server = Server::start().await;
    server.make(json!({"destination": "https://example.com/Alpha", "slug": "one", "title": "First"})).await;
    server.clock.advance(Duration::from_secs(10));
    server.make(json!({"destination": "https://example.com/beta", "slug": "two", "tags": ["x y"]})).await;
    for (query, found) in [
        ("q=ALPHA", vec!["one"]),
        ("q=first", vec!["one"]),
        ("q=TWO", vec!["two"]),
        ("q=example", vec!["two", "one"]),
        ("q=%25", vec![]),
        ("q=_", vec![]),
        ("tag=x+y", vec!["two"]),
        ("tag=x", vec![]),
        ("destination=https://example.com/beta", vec!["two"]),
        ("destination=HTTPS://EXAMPLE.com/beta", vec!["two"]),
        ("created_after=2026-11-20T12:00:00Z", vec!["two"]),
        ("created_before=2026-11-20T12:00:10Z", vec!["one"]),
        ("created_after=2026-11-20T13:00:00%2B01:00", vec!["two"]),
    ] {
        assert_eq!(slugs(&server.get(&format!("/v1/links?{query}")).send().await.json()), found, "{query}");
    }
}
