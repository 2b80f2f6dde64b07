//! The people of a workspace.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use waypost_core::credentials::{Scope, Scopes};

use super::{House, ISSUER};
use crate::harness::{Browser, Server};

fn somebody(subject: &str, role: &str) -> Value {
    json!({"issuer": ISSUER, "subject": subject, "role": role})
}

async fn add(server: &Server, subject: &str, role: &str) -> String {
    let reply = server.post("/v1/members", &somebody(subject, role)).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let path = format!("/v1/members/{}", reply.json()["id"].as_str().unwrap());
    assert_eq!(reply.header("location"), format!("https://go.example{path}"));
    let there = server.get(&path).send().await;
    assert_eq!((there.status, there.json()), (200, reply.json()), "it is where the answer says");
    path
}

/// A browser that this person is signed in by.
async fn browser_of(house: &House, subject: &str) -> Browser {
    let browser = Browser::default();
    house.provider.knows(subject);
    assert_eq!(browser.sign_in(&house.server, &house.provider).await.status, 303);
    browser
}

async fn ask(house: &House, browser: &Browser, method: Method, path: &str, body: Option<Value>) -> (u16, String) {
    let asking = browser.asking(&house.server, method, path).header("sec-fetch-site", "same-origin");
    let asking = body.iter().fold(asking, |asking, body| asking.json(body));
    asking.send().await.fault()
}

#[tokio::test]
async fn members_are_added_changed_listed_and_removed() {
    let server = Server::start().await;
    let path = add(&server, "alice", "owner").await;
    server.clock.advance(Duration::from_secs(1));
    add(&server, "bob", "viewer").await;
    let again = server.post("/v1/members", &somebody("alice", "viewer")).send().await;
    assert_eq!(again.fault(), (409, "CONFLICT".into()));
    let list = server.get("/v1/members").send().await.json();
    let roles: Vec<_> = list["data"].as_array().unwrap().iter().map(|member| member["role"].clone()).collect();
    assert_eq!((roles, &list["next_cursor"]), (vec![json!("owner"), json!("viewer")], &Value::Null));
    for last in [server.patch(&path, &json!({"role": "admin"})), server.delete(&path)] {
        assert_eq!(last.send().await.fault(), (409, "CONFLICT".into()), "the last owner stays");
    }
    add(&server, "carol", "owner").await;
    let changed = server.patch(&path, &json!({"role": "admin"})).send().await;
    assert_eq!((changed.status, &changed.json()["role"]), (200, &json!("admin")));
    assert_eq!(server.delete(&path).send().await.status, 204);
    assert_eq!(server.delete(&path).send().await.fault(), (404, "NOT_FOUND".into()));
    let nobody = "/v1/members/usr_01JD3X8M2V7Q5T9B4C6E8G0HJK";
    assert_eq!(server.patch(nobody, &json!({"role": "admin"})).send().await.status, 404);
}

#[tokio::test]
async fn a_request_that_is_repeated_under_its_key_adds_nobody_twice() {
    let server = Server::start().await;
    let ask = || server.post("/v1/members", &somebody("alice", "viewer")).once("k1").send();
    let (first, second) = (ask().await, ask().await);
    assert_eq!((first.status, second.status, first.text()), (201, 201, second.text()));
    assert!(second.has("idempotent-replayed"));
}

#[tokio::test]
async fn what_is_wrong_with_a_member_is_told_by_field() {
    let server = Server::start().await;
    for (body, faulty) in [
        (json!({}), vec!["issuer", "role", "subject"]),
        (
            json!({"issuer": "", "subject": "a\u{0}", "role": "boss", "name": "A", "colour": 1}),
            vec!["colour", "issuer", "name", "role", "subject"],
        ),
    ] {
        let reply = server.post("/v1/members", &body).send().await;
        assert_eq!((reply.status, reply.faulty()), (422, faulty.iter().map(ToString::to_string).collect()), "{body}");
    }
}

#[tokio::test]
async fn only_owners_make_change_and_remove_owners() {
    let house = House::open().await;
    let owner = add(&house.server, "owner", "owner").await;
    add(&house.server, "second owner", "owner").await;
    add(&house.server, "admin", "admin").await;
    let viewer = add(&house.server, "viewer", "viewer").await;
    let (as_owner, as_admin) = (browser_of(&house, "owner").await, browser_of(&house, "admin").await);
    let forbidden = (403, "FORBIDDEN".to_owned());
    let good = |status| (status, String::new());
    for (method, path, body) in [
        (Method::POST, "/v1/members", Some(somebody("x", "owner"))),
        (Method::PATCH, viewer.as_str(), Some(json!({"role": "owner"}))),
        (Method::PATCH, owner.as_str(), Some(json!({"role": "viewer"}))),
        (Method::DELETE, owner.as_str(), None),
    ] {
        assert_eq!(ask(&house, &as_admin, method.clone(), path, body).await, forbidden, "{method} {path}");
    }
    let promote = Some(json!({"role": "admin"}));
    assert_eq!(ask(&house, &as_admin, Method::PATCH, &viewer, promote).await, good(200));
    assert_eq!(ask(&house, &as_owner, Method::PATCH, &viewer, Some(json!({"role": "owner"}))).await, good(200));
    assert_eq!(ask(&house, &as_owner, Method::DELETE, &owner, None).await, good(204), "even oneself");
}

/// The way round by what an admin makes: a key or a client that would be an owner.
#[tokio::test]
async fn an_admin_makes_nothing_that_acts_as_an_owner() {
    let house = House::open().await;
    add(&house.server, "owner", "owner").await;
    let admin = add(&house.server, "admin", "admin").await;
    let as_admin = browser_of(&house, "admin").await;
    let forbidden = (403, "FORBIDDEN".to_owned());
    for path in ["/v1/api-keys", "/v1/oauth/clients"] {
        for scopes in ["*", "owners:write"] {
            let body = Some(json!({"name": "x", "scopes": scopes}));
            assert_eq!(ask(&house, &as_admin, Method::POST, path, body).await, forbidden, "{path} {scopes}");
        }
    }
    let most = Scopes::ALL.without(Scope::OwnersWrite).to_string();
    let promote = json!({"role": "owner"});

    let asking = as_admin.asking(&house.server, Method::POST, "/v1/api-keys").header("sec-fetch-site", "same-origin");
    let made = asking.json(&json!({"name": "x", "scopes": most})).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let key = made.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(house.server.patch(&admin, &promote).key(&key).send().await.fault(), forbidden, "by a key");

    let asking =
        as_admin.asking(&house.server, Method::POST, "/v1/oauth/clients").header("sec-fetch-site", "same-origin");
    let made = asking.json(&json!({"name": "x", "scopes": most})).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let proof = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let token = house.server.form("/oauth/token", &proof).send().await.json();
    let token = token["access_token"].as_str().unwrap().to_owned();
    assert_eq!(house.server.patch(&admin, &promote).key(&token).send().await.fault(), forbidden, "by a client");
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let server = Server::start().await;
    let path = add(&server, "alice", "viewer").await;
    let key =
        server.issue("default", "members:read members:write links:read analytics:read events:read webhooks:read").await;
    let give = |role: &str| server.patch(&path, &json!({"role": role})).key(&key).send();
    assert_eq!(give("viewer").await.status, 200);
    for role in ["editor", "admin", "owner"] {
        assert_eq!(give(role).await.fault(), (403, "FORBIDDEN".into()), "{role}");
    }
    let reader = server.issue("default", "members:read").await;
    assert_eq!(server.delete(&path).key(&reader).send().await.fault(), (403, "INSUFFICIENT_SCOPE".into()));
}

#[tokio::test]
async fn another_workspace_sees_none_of_them() {
    let server = Server::start().await;
    let path = add(&server, "alice", "viewer").await;
    let other = server.issue("other", "*").await;
    assert_eq!(server.get("/v1/members").key(&other).send().await.json()["data"], json!([]));
    assert_eq!(server.delete(&path).key(&other).send().await.fault(), (404, "NOT_FOUND".into()));
    let change = server.patch(&path, &json!({"role": "admin"})).key(&other).send().await;
    assert_eq!(change.fault(), (404, "NOT_FOUND".into()));
}

/// Whoever may demote and evict one who may do more has their rights by the back door.
#[tokio::test]
async fn nobody_changes_or_removes_one_who_may_do_more() {
    let server = Server::start().await;
    let viewers = "members:write links:read analytics:read events:read webhooks:read";
    let narrow = server.issue("default", viewers).await;
    for role in ["owner", "admin", "editor"] {
        let path = add(&server, role, role).await;
        let demoted = server.patch(&path, &json!({"role": "viewer"})).key(&narrow).send().await;
        assert_eq!(demoted.fault(), (403, "FORBIDDEN".into()), "{role}");
        assert_eq!(server.delete(&path).key(&narrow).send().await.fault(), (403, "FORBIDDEN".into()), "{role}");
    }
    let viewer = add(&server, "viewer", "viewer").await;
    assert_eq!(server.delete(&viewer).key(&narrow).send().await.status, 204);
}

#[tokio::test]
async fn to_name_somebody_shows_and_changes_nothing_of_what_their_provider_says() {
    let house = House::open().await;
    let browser = browser_of(&house, "alice").await;
    let told = browser.get(&house.server, "/v1/members").await;
    assert_eq!(told.status, 403, "an editor");
    let list = || async { house.server.get("/v1/members").send().await.json()["data"][0].clone() };
    let known = list().await;
    assert!(known["signed_in_at"].is_string() && known["email"].is_string(), "{known}");

    house.server.clock.advance(Duration::from_secs(60));
    let other = house.server.issue("other", "*").await;
    let added = house.server.post("/v1/members", &somebody("alice", "viewer")).key(&other).send().await;
    assert_eq!(added.status, 201, "{}", added.text());
    for seen in [added.json(), house.server.get("/v1/members").key(&other).send().await.json()["data"][0].clone()] {
        assert_eq!([&seen["name"], &seen["email"], &seen["signed_in_at"]], [&Value::Null; 3], "{seen}");
    }
    assert_eq!(list().await, known, "and those who know them see what they saw");

    house.server.clock.advance(Duration::from_secs(60));
    browser_of(&house, "alice").await;
    let seen = house.server.get("/v1/members").key(&other).send().await.json()["data"][0].clone();
    assert!(seen["signed_in_at"].is_string() && seen["email"] == known["email"], "{seen}");
}

/// As when a removal broke off between its two writes.
#[tokio::test]
async fn a_removal_that_is_repeated_ends_what_is_left() {
    let house = House::open().await;
    let path = add(&house.server, "bob", "viewer").await;
    let browser = browser_of(&house, "bob").await;
    let platform = &house.server.platform;
    let workspace = platform.credentials.workspace("default").await.unwrap().id;
    let user = path.rsplit('/').next().unwrap().parse().unwrap();
    platform.ports().members.set_role(workspace, user, None, platform.clock.now()).await.unwrap();
    assert_eq!(house.server.delete(&path).send().await.fault(), (404, "NOT_FOUND".into()));
    add(&house.server, "bob", "viewer").await;
    house.server.clock.advance(Duration::from_secs(1));
    assert_eq!(browser.get(&house.server, "/v1/links").await.fault(), (401, "UNAUTHENTICATED".into()));
}

/// A removal that is refused leaves the sessions as they are.
#[tokio::test]
async fn the_last_owner_stays_signed_in_when_they_cannot_be_removed() {
    let house = House::open().await;
    let owner = add(&house.server, "owner", "owner").await;
    let browser = browser_of(&house, "owner").await;
    assert_eq!(house.server.delete(&owner).send().await.fault(), (409, "CONFLICT".into()));
    house.server.clock.advance(Duration::from_secs(1));
    assert_eq!(browser.get(&house.server, "/v1/links").await.status, 200);
}
