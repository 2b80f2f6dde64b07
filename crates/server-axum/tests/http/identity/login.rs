//! Signing in.

use std::time::Duration;

use http::Method;
use serde_json::json;
use waypost_core::members::Role;

use super::{House, ISSUER};
use crate::harness::{Browser, Fault, Server};

#[tokio::test]
async fn who_signs_in_has_a_session_that_does_what_the_role_allows() {
    let (house, browser) = (House::open().await, Browser::default());
    let done = browser.sign_in(&house.server, &house.provider).await;
    assert_eq!((done.status, done.header("location")), (303, "/docs"), "{}", done.text());
    assert_eq!((done.header("cache-control"), done.header("referrer-policy")), ("no-store", "no-referrer"));
    assert_eq!(browser.cookie(Browser::ATTEMPT), None, "the attempt is forgotten");
    let session = browser.get(&house.server, "/auth/session").await;
    assert_eq!(session.status, 200, "{}", session.text());
    let body = session.json();
    assert_eq!(body["member"]["role"], "editor");
    assert_eq!((&body["member"]["issuer"], &body["member"]["subject"]), (&json!(ISSUER), &json!("alice")));
    assert_eq!(body["member"]["email"], "alice@example.com");
    assert!(body["scopes"].as_array().unwrap().contains(&json!("links:write")));
    let made = browser
        .asking(&house.server, Method::POST, "/v1/links")
        .header("sec-fetch-site", "same-origin")
        .json(&json!({"destination": "https://example.com/"}))
        .send()
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let keys = browser.get(&house.server, "/v1/members").await;
    assert_eq!(keys.fault(), (403, "INSUFFICIENT_SCOPE".into()));
}

#[tokio::test]
async fn a_session_is_of_no_use_where_links_are_followed() {
    let (house, browser) = (House::open().await, Browser::default());
    house.server.make_slug("here").await;
    let plain = house.server.follow("/here").send().await;
    browser.sign_in(&house.server, &house.provider).await;
    let with = browser.asking(&house.server, Method::GET, "/here").send().await;
    assert_eq!((with.status, with.header("location")), (plain.status, plain.header("location")));
    assert!(!with.has("set-cookie"));
}

#[tokio::test]
async fn a_stranger_is_shown_whom_to_have_added() {
    let house = House::with(|identity| identity.login.as_mut().unwrap().role = None).await;
    let browser = Browser::default();
    let page = browser.sign_in(&house.server, &house.provider).await;
    assert_eq!(page.status, 403);
    assert!(page.header("content-type").starts_with("text/html") && page.text().contains("<code>alice</code>"));
    assert_eq!(browser.cookie(Browser::SESSION), None);
    let add = json!({"issuer": ISSUER, "subject": "alice", "role": "viewer"});
    assert_eq!(house.server.post("/v1/members", &add).send().await.status, 201);
    assert_eq!(browser.sign_in(&house.server, &house.provider).await.status, 303);
    let session = browser.get(&house.server, "/auth/session").await.json();
    assert_eq!((&session["member"]["role"], &session["member"]["name"]), (&json!("viewer"), &json!("Alice <b>")));
}

#[tokio::test]
async fn who_says_no_at_the_provider_gets_a_page() {
    let (house, browser) = (House::open().await, Browser::default());
    house.provider.does(&[Fault::Denies]);
    let page = browser.sign_in(&house.server, &house.provider).await;
    assert_eq!((page.status, browser.cookie(Browser::SESSION)), (403, None));
    assert!(page.text().contains("did not sign you in") && page.text().contains("/auth/login"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
}

#[tokio::test]
async fn while_the_provider_is_away_a_page_says_so() {
    let (house, browser) = (House::open().await, Browser::default());
    house.provider.does(&[Fault::Away]);
    let page = browser.get(&house.server, "/auth/login").await;
    assert_eq!(page.status, 503);
    assert!(page.has("retry-after") && page.header("content-type").starts_with("text/html"));
    house.provider.does(&[]);
    house.server.clock.advance(Duration::from_secs(5));
    let back = browser.begin(&house.server, &house.provider, "/docs").await;
    for fault in [Fault::IsBroken, Fault::NoIdToken] {
        house.provider.does(&[fault]);
        let back = if fault == Fault::IsBroken {
            back.clone()
        } else {
            browser.begin(&house.server, &house.provider, "/docs").await
        };
        let page = browser.get(&house.server, &back).await;
        assert_eq!((page.status, browser.cookie(Browser::SESSION)), (503, None), "{fault:?}");
        assert!(!page.text().contains("stack trace"));
    }
}

#[tokio::test]
async fn without_a_provider_nobody_signs_in() {
    let server = Server::start().await;
    for path in ["/auth/login", "/auth/callback?code=a&state=b"] {
        let page = server.anonymous(Method::GET, path).send().await;
        assert_eq!(page.status, 404, "{path}");
        assert!(!page.has("set-cookie"));
    }
}

#[tokio::test]
async fn the_page_leads_to_the_provider_where_there_is_one() {
    let (house, lone) = (House::open().await, Server::start().await);
    for (server, leads) in [(&house.server, true), (&lone, false)] {
        let page = server.anonymous(Method::GET, "/").send().await.text();
        assert_eq!(page.contains("href=\"/auth/login?return_to=%2F\""), leads);
        assert!(!page.contains("{{"), "every mark was filled in");
    }
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let (house, browser) = (House::open().await, Browser::default());
    for (asked, given) in [
        ("/docs?a=b", "/docs?a=b"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https:evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/%2f/evil.example", "/"),
        ("/%5cevil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/auth/login", "/"),
        ("/spring", "/"),
        ("/docs/../spring", "/"),
        ("", "/"),
    ] {
        let back = browser.begin(&house.server, &house.provider, asked).await;
        let done = browser.get(&house.server, &back).await;
        assert_eq!((done.status, done.header("location")), (303, given), "{asked:?}");
    }
    let twice = browser.get(&house.server, "/auth/login?return_to=/docs&return_to=//evil.example").await;
    let back = house.provider.authorize(twice.header("location"));
    let done = browser.get(&house.server, back.strip_prefix("https://go.example").unwrap()).await;
    assert_eq!(done.header("location"), "/");
}

#[tokio::test]
async fn rsa_and_ecdsa_providers_sign_people_in_and_their_at_hash_counts() {
    for key in ["rsa", "ec"] {
        let (house, browser) = (House::open().await, Browser::default());
        house.provider.signs_with(&[key]);
        assert_eq!(browser.sign_in(&house.server, &house.provider).await.status, 303, "{key}");
        house.provider.does(&[Fault::WrongAtHash]);
        let other = Browser::default();
        assert_eq!(other.sign_in(&house.server, &house.provider).await.status, 400, "{key}");
    }
}

#[tokio::test]
async fn an_attempt_is_over_after_ten_minutes() {
    let (house, browser) = (House::open().await, Browser::default());
    let back = browser.begin(&house.server, &house.provider, "/docs").await;
    house.server.clock.advance(Duration::from_secs(600));
    assert_eq!(browser.get(&house.server, &back).await.status, 400);
    assert_eq!(browser.cookie(Browser::SESSION), None);
}

#[tokio::test]
async fn a_role_for_strangers_is_given_once() {
    let (house, browser) = (House::open().await, Browser::default());
    browser.sign_in(&house.server, &house.provider).await;
    let member = browser.get(&house.server, "/auth/session").await.json()["member"]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/members/{member}");
    assert_eq!(house.server.patch(&path, &json!({"role": "viewer"})).send().await.status, 200);
    browser.sign_in(&house.server, &house.provider).await;
    let session = browser.get(&house.server, "/auth/session").await.json();
    assert_eq!(session["member"]["role"], Role::Viewer.as_str(), "signing in again gives nothing back");
}

async fn workspace_of(house: &House, browser: &Browser) -> (String, String) {
    let session = browser.get(&house.server, "/auth/session").await.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&session["workspace_id"]), text(&session["member"]["role"]))
}

#[tokio::test]
async fn who_signs_in_begins_in_the_configured_workspace_and_goes_on_in_another() {
    let (house, browser) = (House::open().await, Browser::default());
    let credentials = &house.server.platform.credentials;
    let own = credentials.workspace("default").await.unwrap().id.to_string();
    let other = credentials.workspace("other").await.unwrap().id.to_string();
    let elsewhere = house.server.issue("other", "*").await;
    let add = json!({"issuer": ISSUER, "subject": "alice", "role": "viewer"});
    assert_eq!(house.server.post("/v1/members", &add).key(&elsewhere).send().await.status, 201);
    house.server.clock.advance(Duration::from_secs(1));
    browser.sign_in(&house.server, &house.provider).await;
    assert_eq!(workspace_of(&house, &browser).await, (own.clone(), "editor".into()), "a stranger here all the same");

    let before = browser.cookie(Browser::SESSION).unwrap();
    let switch = |workspace: &str| {
        let asking = browser.asking(&house.server, Method::POST, "/auth/session/workspace");
        asking.header("sec-fetch-site", "same-origin").json(&json!({"workspace_id": workspace}))
    };
    let nowhere = credentials.workspace("nowhere").await.unwrap().id.to_string();
    assert_eq!(switch(&nowhere).send().await.fault(), (404, "NOT_FOUND".into()), "no member there");
    assert_eq!(switch("x").send().await.status, 422);
    let done = switch(&other).send().await;
    assert_eq!(done.status, 204, "{}", done.text());
    let cookie = done.header("set-cookie").split(';').next().unwrap().split_once('=').unwrap().1.to_owned();
    browser.plant(Browser::SESSION, Some(&cookie));
    assert_eq!(workspace_of(&house, &browser).await, (other, "viewer".into()));
    browser.plant(Browser::SESSION, Some(&before));
    assert_eq!(browser.get(&house.server, "/auth/session").await.status, 401, "the session before has ended");

    house.server.clock.advance(Duration::from_secs(1));
    browser.sign_in(&house.server, &house.provider).await;
    assert_eq!(workspace_of(&house, &browser).await.0, own, "and again where it is configured");
}
