//! Following links (contract §2, §6).

use std::time::Duration;

use http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Mood, Server, Setup};

#[tokio::test]
async fn a_follow_is_302_that_no_cache_keeps() {
    let server = Server::start().await;
    server.make_slug("spring").await;
    let reply = server.follow("/spring").send().await;
    assert_snapshot!("redirect", reply.show());
    let again = server.follow("/spring").header("x-request-id", "mine").send().await;
    assert_eq!((again.status, again.header("x-request-id")), (302, "mine"), "out of the cache as out of the store");
    assert_eq!(again.header("cache-control"), "private, max-age=0");
}

#[tokio::test]
async fn the_link_says_how_it_redirects() {
    let server = Server::start().await;
    for status in [301, 302, 303, 307, 308] {
        let slug = format!("s{status}");
        let body = json!({"destination": "https://example.com/ü?q=1#f", "slug": slug, "redirect_status": status,
            "referrer_policy": "origin", "cache_seconds": 60});
        server.make(body).await;
        let reply = server.follow(&format!("/{slug}")).send().await;
        assert_eq!((reply.status, reply.header("location")), (status, "https://example.com/%C3%BC?q=1#f"));
        assert_eq!((reply.header("referrer-policy"), reply.header("cache-control")), ("origin", "public, max-age=60"));
    }
}

#[tokio::test]
async fn slugs_are_found_however_the_path_encodes_them() {
    let server = Server::start().await;
    for slug in ["straße", "g++", "launch/2026", "a~b_c-d.e", "日本語"] {
        let link = server.make(json!({"destination": "https://example.com/", "slug": slug})).await;
        let path = link["short_url"].as_str().unwrap().strip_prefix("https://go.example").unwrap().to_owned();
        server.destination(&path).await;
    }
    server.destination("/stra%c3%9fe").await;
    server.destination("/%67%2B%2b").await;
    server.destination("/launch%2F2026").await;
    server.destination("/g++?utm=1").await;
    for path in ["/G++", "/g++/", "/g", "//g++", "/launch", "/stra%DFe", "/%"] {
        assert_eq!(server.follow(path).send().await.fault(), (404, "NOT_FOUND".into()), "{path}");
    }
}

#[tokio::test]
async fn the_host_chooses_the_domain() {
    let server = Server::with(Setup { domains: vec!["brand.example".into()], ..Setup::default() }).await;
    server.make_slug("spring").await;
    server.make(json!({"destination": "https://example.com/b", "slug": "spring", "domain": "brand.example"})).await;
    for (host, leads) in [("brand.example", "b"), ("BRAND.example:443", "b"), ("go.example", ""), ("10.0.0.1:8080", "")]
    {
        let reply = server.follow("/spring").header("host", host).send().await;
        assert_eq!(reply.header("location"), format!("https://example.com/{leads}"), "{host}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_is_over_410() {
    let server = Server::start().await;
    server
        .make(json!({"destination": "https://example.com/", "slug": "late", "expires_at": "2026-11-20T12:00:01Z"}))
        .await;
    server.make(json!({"destination": "https://example.com/", "slug": "off", "disabled": true})).await;
    server.make(json!({"destination": "https://example.com/", "slug": "once", "max_clicks": 1})).await;
    assert_eq!(server.follow("/once").send().await.status, 302);
    server.clock.advance(Duration::from_secs(1));
    for slug in ["late", "off", "once"] {
        let reply = server.follow(&format!("/{slug}")).send().await;
        assert_eq!(reply.fault(), (410, "GONE".into()), "{slug}");
        assert_eq!(server.anonymous(Method::HEAD, &format!("/{slug}")).send().await.status, 410, "{slug}");
    }
    assert_snapshot!("gone", server.follow("/off").send().await.show());
    assert_snapshot!("not_found", server.follow("/nothing").send().await.show());
}

#[tokio::test]
async fn a_browser_gets_a_page_and_everyone_else_json() {
    let server = Server::start().await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = server.follow("/nothing").header("accept", browser).send().await;
    assert_snapshot!("not_found_page", page.show());
    for accept in ["*/*", "application/json", "text/html;q=0", "image/png"] {
        let reply = server.follow("/nothing").header("accept", accept).send().await;
        assert_eq!((reply.fault(), reply.header("vary")), ((404, "NOT_FOUND".into()), "Accept"), "{accept}");
    }
}

#[tokio::test]
async fn an_edit_and_a_delete_are_seen_by_the_next_follow() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    assert_eq!(server.destination("/spring").await, "https://example.com/");
    server.patch(&path, &json!({"destination": "https://example.com/new"})).send().await;
    assert_eq!(server.destination("/spring").await, "https://example.com/new");
    server.delete(&path).send().await;
    assert_eq!(server.follow("/spring").send().await.status, 404);
    server.make_slug("spring").await;
    assert_eq!(server.destination("/spring").await, "https://example.com/", "its absence is forgotten too");
}

#[tokio::test]
async fn head_redirects_and_neither_counts_nor_uses_up() {
    let server = Server::start().await;
    server.make(json!({"destination": "https://example.com/", "slug": "once", "max_clicks": 1})).await;
    for _ in 0..3 {
        let reply = server.anonymous(Method::HEAD, "/once").send().await;
        assert_eq!((reply.status, reply.header("location")), (302, "https://example.com/"));
    }
    assert_eq!(server.follow("/once").send().await.status, 302, "the one click is still there");
    assert_eq!(server.follow("/once").send().await.status, 410);
}

#[tokio::test]
async fn clicks_are_counted_but_not_looks_ahead_nor_heads() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    server.anonymous(Method::HEAD, "/spring").send().await;
    server.follow("/spring").header("sec-purpose", "prefetch;prerender").send().await;
    for visitor in ["one", "two", "bot"] {
        assert_eq!(server.follow("/spring").header("user-agent", visitor).send().await.status, 302);
    }
    server.run_engines().await;
    assert_eq!(server.get(&path).send().await.json()["clicks"], 3);
}

#[tokio::test]
async fn known_links_are_followed_while_the_store_is_away() {
    let server = Server::start().await;
    server.make_slug("known").await;
    server.make_slug("unknown").await;
    server.destination("/known").await;
    server.links.set(Mood::Away);
    server.destination("/known").await;
    server.clock.advance(Duration::from_secs(600));
    assert_eq!(server.destination("/known").await, "https://example.com/", "however long ago it was known");
    assert_eq!(server.follow("/unknown").send().await.fault(), (503, "UNAVAILABLE".into()));
}

#[tokio::test]
async fn other_methods_of_a_slug_are_405_and_options_says_which_there_are() {
    let server = Server::start().await;
    server.make_slug("spring/2026").await;
    for path in ["/spring/2026", "/nothing"] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let reply = server.anonymous(method.clone(), path).send().await;
            assert_eq!(reply.fault(), (405, "METHOD_NOT_ALLOWED".into()), "{method}");
            assert_eq!(reply.header("allow"), "GET, HEAD, OPTIONS", "{method} {path}");
        }
        let reply = server.anonymous(Method::OPTIONS, path).send().await;
        assert_eq!((reply.status, reply.header("allow")), (204, "GET, HEAD, OPTIONS"));
    }
}

#[tokio::test]
async fn the_servers_own_paths_are_no_slugs_in_any_case() {
    let server = Server::start().await;
    for path in ["/v1", "/V1/links", "/v1/nothing", "/.well-known/x", "/graphql", "/robots.txt", "/OAuth/token"] {
        let reply = server.follow(path).send().await;
        assert_eq!(reply.fault(), (404, "NOT_FOUND".into()), "{path}");
        assert!(reply.has("x-ratelimit-limit"), "{path} is the API's");
    }
}
