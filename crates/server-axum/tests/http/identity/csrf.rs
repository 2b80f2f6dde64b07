//! Requests that another site had the browser make.

use http::Method;
use serde_json::json;

use super::House;
use crate::harness::Browser;

const BODY: &str = r#"{"destination": "https://example.com/"}"#;

#[tokio::test]
async fn a_change_under_a_cookie_must_come_from_a_page_of_ours() {
    let (house, browser) = (House::open().await, Browser::default());
    browser.sign_in(&house.server, &house.provider).await;
    let (site, origin) = ("sec-fetch-site", "origin");
    let matrix: [(&[(&str, &str)], bool); 9] = [
        (&[(site, "same-origin")], true),
        (&[(site, "none")], true),
        (&[(origin, "https://go.example")], true),
        (&[(site, "cross-site"), (origin, "https://evil.example")], false),
        (&[(site, "same-site"), (origin, "https://a.go.example")], false),
        (&[(origin, "https://evil.example")], false),
        (&[(origin, "null")], false),
        (&[(origin, "http://go.example")], false),
        (&[], false),
    ];
    for (fields, passes) in matrix {
        let before = house.server.count().await;
        let create =
            browser.asking(&house.server, Method::POST, "/v1/links").header("content-type", "application/json");
        let create = fields.iter().fold(create, |asking, (name, value)| asking.header(name, value));
        let reply = create.body(BODY).send().await;
        if passes {
            assert_eq!(reply.status, 201, "{fields:?}: {}", reply.text());
        } else {
            assert_eq!(reply.fault(), (403, "FORBIDDEN".into()), "{fields:?}");
        }
        assert_eq!(house.server.count().await, before + usize::from(passes), "{fields:?}");
        let logout = browser.asking(&house.server, Method::POST, "/auth/logout");
        let logout = fields.iter().filter(|_| !passes).fold(logout, |asking, (name, value)| asking.header(name, value));
        assert_eq!(logout.send().await.fault(), (403, "FORBIDDEN".into()));
        let read = browser.asking(&house.server, Method::GET, "/v1/links");
        let read = fields.iter().fold(read, |asking, (name, value)| asking.header(name, value));
        assert_eq!(read.send().await.status, 200, "reading changes nothing");
    }
}

#[tokio::test]
async fn a_form_of_another_site_gets_nowhere_even_where_the_fields_are_lost() {
    let (house, browser) = (House::open().await, Browser::default());
    browser.sign_in(&house.server, &house.provider).await;
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let form = browser.asking(&house.server, Method::POST, "/v1/links").header("content-type", media).body(BODY);
        assert_eq!(form.send().await.status, 403, "{media}");
        let ours = browser.asking(&house.server, Method::POST, "/v1/links").header("sec-fetch-site", "same-origin");
        assert_eq!(ours.header("content-type", media).body(BODY).send().await.status, 415, "{media}");
    }
}

#[tokio::test]
async fn a_key_needs_no_such_proof() {
    let house = House::open().await;
    let foreign = house.server.post("/v1/links", &json!({"destination": "https://example.com/"}));
    let foreign = foreign.header("sec-fetch-site", "cross-site").header("origin", "https://evil.example");
    assert_eq!(foreign.send().await.status, 201, "no browser adds a key by itself");
}
