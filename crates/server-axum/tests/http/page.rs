//! The live page (`/`): what it is made of, and what it may do.

use std::collections::BTreeSet;

use http::Method;

use crate::harness::{Server, Setup};

/// The parts that a text of the page names: `src`, `href`, and what a script imports.
fn named(text: &str) -> BTreeSet<String> {
    let after = |mark: &str| -> Vec<String> {
        text.split(mark).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    };
    let linked = ["src=\"", "href=\""].into_iter().flat_map(after).filter(|path| path.starts_with("/assets/"));
    let imported = after(" from \"./").into_iter().map(|name| format!("/assets/{name}"));
    linked.chain(imported).collect()
}

#[tokio::test]
async fn the_page_and_all_that_it_names_are_served_by_this_server_alone() {
    let server = Server::start().await;
    let page = server.anonymous(Method::GET, "/").send().await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let mut known = BTreeSet::new();
    let mut open: Vec<String> = named(&page.text()).into_iter().collect();
    while let Some(path) = open.pop() {
        let part = server.anonymous(Method::GET, &path).send().await;
        assert_eq!(part.status, 200, "{path}");
        let media = match path.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(part.header("content-type"), media, "{path}");
        let text = part.text();
        // Names of formats look like addresses, and are asked of nobody.
        let foreign = text.replace("http://www.w3.org/", "").contains("://");
        assert!(!foreign, "{path} names another server");
        known.insert(path);
        open.extend(named(&text).into_iter().filter(|path| !known.contains(path)));
    }
    let names: Vec<_> = known.iter().map(String::as_str).collect();
    let all =
        ["api.js", "chart.js", "icon.svg", "live.js", "page.css", "page.js"].map(|name| format!("/assets/{name}"));
    assert_eq!(names, all);
    assert_eq!(server.anonymous(Method::GET, "/assets/mod.rs").send().await.status, 404);
}

#[tokio::test]
async fn its_policy_lets_in_what_is_ours_and_its_text_needs_no_more() {
    let server = Server::start().await;
    let page = server.anonymous(Method::GET, "/").send().await;
    let policy = page.header("content-security-policy");
    for needed in ["script-src 'self';", "style-src 'self';", "connect-src 'self';", "form-action 'none';"] {
        assert!(policy.contains(needed), "{needed} in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("://"), "{policy}");
    let text = page.text();
    let tags: Vec<&str> = text.split('<').filter_map(|tag| tag.split('>').next()).collect();
    for forbidden in ["style", " on", "javascript:", "http://", "action="] {
        let is_there = tags.iter().any(|tag| tag.contains(forbidden) && !tag.starts_with("link rel=\"stylesheet\""));
        assert!(!is_there, "{forbidden} in the page");
    }
    let scripts = text.matches("<script").count();
    assert_eq!((scripts, text.matches("<script type=\"module\" src=\"/assets/").count()), (1, 1));
    for script in ["api.js", "chart.js", "live.js", "page.js"] {
        let text = server.anonymous(Method::GET, &format!("/assets/{script}")).send().await.text();
        for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
            assert!(!text.contains(forbidden), "{forbidden} in {script}");
        }
    }
}

#[tokio::test]
async fn a_browser_that_has_it_is_told_so() {
    let server = Server::start().await;
    for path in ["/", "/assets/page.js"] {
        let first = server.anonymous(Method::GET, path).send().await;
        let (tag, kept) = (first.header("etag").to_owned(), first.header("cache-control"));
        assert_eq!(kept, "no-cache", "the parts of two versions are never mixed");
        let again = server.anonymous(Method::GET, path).header("if-none-match", &tag).send().await;
        assert_eq!((again.status, again.header("etag")), (304, tag.as_str()), "{path}");
        let other = server.anonymous(Method::GET, path).header("if-none-match", "\"other\"").send().await;
        assert_eq!(other.status, 200, "{path}");
        let head = server.anonymous(Method::HEAD, path).send().await;
        assert_eq!((head.status, head.header("etag")), (200, tag.as_str()), "{path}");
    }
}

#[tokio::test]
async fn a_domain_of_short_links_has_no_page_and_no_link_takes_its_place() {
    let setup = Setup { domains: vec!["go.short.example".to_owned()], ..Setup::default() };
    let server = Server::with(setup).await;
    let on = |host: &str| server.anonymous(Method::GET, "/").header("host", host).send();
    let none = on("go.short.example").await;
    assert_eq!((none.status, none.code().as_str()), (404, "NOT_FOUND"));
    assert_eq!((on("go.example").await.status, on("127.0.0.1:8080").await.status), (200, 200));
    let part = |host: &str| server.anonymous(Method::GET, "/assets/page.js").header("host", host).send();
    let none = part("go.short.example").await;
    assert_eq!((none.status, none.code().as_str()), (404, "NOT_FOUND"), "nor its parts");
    assert_eq!(part("go.example").await.status, 200);
    let asked = serde_json::json!({"destination": "https://example.com/", "slug": ""});
    assert_eq!(server.post("/v1/links", &asked).send().await.faulty(), ["slug"]);
    assert_eq!(server.post("/", &asked).send().await.status, 405);
}
