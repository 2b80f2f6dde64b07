//! Sessions: how long, on which node, and how they end.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::House;
use crate::harness::{Browser, Reply};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn path_of(session: &Reply, part: &str) -> String {
    session.json()[part]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn leaving_is_seen_on_every_node_within_a_second() {
    let (house, browser, other) = (House::open().await, Browser::default(), Browser::default());
    let second = house.second().await;
    browser.sign_in(&house.server, &house.provider).await;
    other.sign_in(&house.server, &house.provider).await;
    let text = browser.cookie(Browser::SESSION).unwrap();
    assert_eq!(browser.get(&second, "/v1/links").await.status, 200, "a session is good on every node");
    let left = browser.ask(&house.server, Method::POST, "/auth/logout").await;
    assert_eq!((left.status, browser.cookie(Browser::SESSION)), (204, None), "{}", left.text());
    house.server.clock.advance(SECOND);
    browser.plant(Browser::SESSION, Some(&text));
    for node in [&house.server, &second] {
        assert_eq!(browser.get(node, "/v1/links").await.fault(), (401, "UNAUTHENTICATED".into()));
        assert_eq!(other.get(node, "/v1/links").await.status, 200, "others stay");
    }
}

#[tokio::test]
async fn ending_all_is_seen_on_every_node_within_a_second() {
    let (house, browser, other) = (House::open().await, Browser::default(), Browser::default());
    let second = house.second().await;
    browser.sign_in(&house.server, &house.provider).await;
    other.sign_in(&second, &house.provider).await;
    house.provider.knows("bob");
    let bob = Browser::default();
    bob.sign_in(&house.server, &house.provider).await;
    let sessions = browser.get(&house.server, "/auth/sessions").await.json();
    assert_eq!(sessions["data"].as_array().unwrap().len(), 2, "{sessions}");
    assert_eq!(browser.ask(&house.server, Method::POST, "/auth/logout-all").await.status, 204);
    house.server.clock.advance(SECOND);
    for node in [&house.server, &second] {
        assert_eq!(other.get(node, "/v1/links").await.status, 401);
        assert_eq!(bob.get(node, "/v1/links").await.status, 200, "another person stays");
    }
}

#[tokio::test]
async fn a_member_who_is_demoted_or_removed_loses_what_they_had_within_a_second() {
    let (house, browser) = (House::open().await, Browser::default());
    let second = house.second().await;
    browser.sign_in(&house.server, &house.provider).await;
    let create = || {
        let asking = browser.asking(&second, Method::POST, "/v1/links").header("sec-fetch-site", "same-origin");
        asking.json(&json!({"destination": "https://example.com/"})).send()
    };
    assert_eq!(create().await.status, 201);
    let user = path_of(&browser.get(&second, "/auth/session").await, "member");
    let path = format!("/v1/members/{user}");
    assert_eq!(house.server.patch(&path, &json!({"role": "viewer"})).send().await.status, 200);
    house.server.clock.advance(SECOND);
    assert_eq!(create().await.fault(), (403, "INSUFFICIENT_SCOPE".into()));
    assert_eq!(browser.get(&second, "/v1/links").await.status, 200);
    assert_eq!(house.server.delete(&path).send().await.status, 204);
    house.server.clock.advance(SECOND);
    assert_eq!(browser.get(&second, "/v1/links").await.fault(), (401, "UNAUTHENTICATED".into()));
}

#[tokio::test]
async fn a_person_sees_and_ends_their_own_sessions_alone() {
    let (house, browser, other, bob) =
        (House::open().await, Browser::default(), Browser::default(), Browser::default());
    browser.sign_in(&house.server, &house.provider).await;
    house.server.clock.advance(SECOND);
    other.sign_in(&house.server, &house.provider).await;
    house.provider.knows("bob");
    bob.sign_in(&house.server, &house.provider).await;
    let sessions = other.get(&house.server, "/auth/sessions").await.json();
    let ids: Vec<_> = sessions["data"].as_array().unwrap().iter().map(|one| one["is_current"].clone()).collect();
    assert_eq!(ids, [json!(true), json!(false)], "the newest first, and bob's is not among them");
    let first = path_of(&browser.get(&house.server, "/auth/session").await, "session");
    let path = format!("/auth/sessions/{first}");
    assert_eq!(bob.ask(&house.server, Method::DELETE, &path).await.fault(), (404, "NOT_FOUND".into()));
    assert_eq!(other.ask(&house.server, Method::DELETE, &path).await.status, 204);
    assert_eq!(other.ask(&house.server, Method::DELETE, &path).await.status, 404);
    assert_eq!(browser.get(&house.server, "/auth/session").await.status, 401);
    let own = path_of(&other.get(&house.server, "/auth/session").await, "session");
    let ended = other.ask(&house.server, Method::DELETE, &format!("/auth/sessions/{own}")).await;
    assert_eq!((ended.status, other.cookie(Browser::SESSION)), (204, None));
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_after_thirty_days_anyway() {
    let (house, idle, used) = (House::open().await, Browser::default(), Browser::default());
    idle.sign_in(&house.server, &house.provider).await;
    used.sign_in(&house.server, &house.provider).await;
    for day in 1..=29 {
        house.server.clock.advance(DAY);
        let reply = used.get(&house.server, "/auth/session").await;
        assert_eq!(reply.status, 200, "day {day}");
        if day == 14 {
            assert_eq!(idle.get(&house.server, "/auth/session").await.fault(), (401, "TOKEN_EXPIRED".into()));
        }
    }
    house.server.clock.advance(DAY);
    assert_eq!(used.get(&house.server, "/auth/session").await.fault(), (401, "TOKEN_EXPIRED".into()));
}

#[tokio::test]
async fn use_is_noted_to_the_minute() {
    let (house, browser) = (House::open().await, Browser::default());
    browser.sign_in(&house.server, &house.provider).await;
    let used_at = async || {
        let sessions = browser.get(&house.server, "/auth/sessions").await.json();
        sessions["data"][0]["used_at"].as_str().unwrap().to_owned()
    };
    let first = used_at().await;
    house.server.clock.advance(59 * SECOND);
    assert_eq!(used_at().await, first);
    house.server.clock.advance(SECOND);
    assert_ne!(used_at().await, first);
}

#[tokio::test]
async fn in_another_workspace_one_goes_on_by_another_session() {
    let (house, browser) = (House::open().await, Browser::default());
    browser.sign_in(&house.server, &house.provider).await;
    let text = browser.cookie(Browser::SESSION).unwrap();
    let (platform, sessions) = (&house.server.platform, &house.server.platform.sessions);
    let session = sessions.find(&text).await.unwrap();
    let elsewhere = platform.credentials.workspace("elsewhere").await.unwrap().id;
    assert!(sessions.switch(&session, elsewhere).await.is_err(), "no member there");
    let key = house.server.issue("elsewhere", "*").await;
    let add = json!({"issuer": super::ISSUER, "subject": "alice", "role": "viewer"});
    assert_eq!(house.server.post("/v1/members", &add).key(&key).send().await.status, 201);
    let started = sessions.switch(&session, elsewhere).await.unwrap();
    assert!(sessions.find(&text).await.is_err(), "the one before has ended");
    let found = sessions.find(started.text.expose()).await.unwrap();
    assert_eq!((found.principal().workspace, found.member.role.as_str()), (elsewhere, "viewer"));
}
