//! Links: create, read, list, update, delete (contract §2).

use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{PUBLIC_URL, Server, Setup};

#[tokio::test]
async fn a_link_is_made_with_its_place_and_its_version() {
    let server = Server::start().await;
    let body = json!({
        "destination": "https://bücher.example/a b",
        "slug": "spring/2026",
        "title": "Spring",
        "tags": ["campaign", "campaign", "mail"],
        "expires_at": "2027-01-01T00:00:00+01:00",
        "max_clicks": 1000,
        "redirect_status": 307,
        "referrer_policy": "no-referrer",
        "metadata": {"owner": {"team": "web"}, "nothing": null},
    });
    let reply = server.post("/v1/links", &body).send().await;
    assert_snapshot!("created", reply.show());
    let link = reply.json();
    assert_eq!(reply.header("location"), format!("{PUBLIC_URL}/v1/links/{}", link["id"].as_str().unwrap()));
    let read = server.get(reply.header("location").strip_prefix(PUBLIC_URL).unwrap()).send().await;
    assert_eq!(read.json(), link, "what was answered is what is kept");
    assert_eq!(read.header("etag"), reply.header("etag"));
    assert_snapshot!("read", read.show());
}

#[tokio::test]
async fn what_is_left_out_has_its_default() {
    let server = Server::start().await;
    let link = server.make(json!({"destination": "http://example.com"})).await;
    assert_eq!(link["destination"], "http://example.com/");
    assert_eq!(
        (&link["redirect_status"], &link["status"], &link["version"]),
        (&json!(302), &json!("active"), &json!(1))
    );
    for field in
        ["title", "expires_at", "disabled_at", "max_clicks", "referrer_policy", "cache_seconds", "unicode_host"]
    {
        assert_eq!(link[field], Value::Null, "{field}");
    }
    assert_eq!((&link["tags"], &link["metadata"], &link["clicks"]), (&json!([]), &json!({}), &json!(0)));
    let slug = link["slug"].as_str().unwrap();
    assert_eq!(slug.len(), 7);
    assert!(!slug.contains(['0', 'O', 'I', 'l']), "no look-alikes: {slug}");
    assert_eq!(link["short_url"], format!("{PUBLIC_URL}/{slug}"));
}

#[tokio::test]
async fn null_in_a_create_is_as_absent() {
    let server = Server::start().await;
    let nothing = json!({"destination": "https://example.com/", "slug": null, "domain": null, "title": null, "tags": null,
        "expires_at": null, "max_clicks": null, "redirect_status": null, "metadata": null, "disabled": null});
    let link = server.make(nothing).await;
    assert_eq!((&link["tags"], &link["redirect_status"]), (&json!([]), &json!(302)));
}

#[tokio::test]
async fn a_taken_slug_is_a_conflict_and_is_free_after_a_delete() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let body = json!({"destination": "https://example.com/", "slug": "spring"});
    let taken = server.post("/v1/links", &body).send().await;
    assert_eq!(taken.fault(), (409, "SLUG_TAKEN".into()));
    assert_eq!(taken.faulty(), ["slug"]);
    assert_snapshot!("slug_taken", taken.show());
    assert_eq!(server.delete(&path).send().await.status, 204);
    assert_eq!(server.post("/v1/links", &body).send().await.status, 201);
}

#[tokio::test]
async fn slugs_are_told_apart_by_case_and_not_by_spelling() {
    let server = Server::start().await;
    server.make_slug("Spring").await;
    server.make_slug("spring").await;
    server.make_slug("caf\u{e9}").await;
    let decomposed = json!({"destination": "https://example.com/", "slug": "cafe\u{301}"});
    assert_eq!(server.post("/v1/links", &decomposed).send().await.code(), "SLUG_TAKEN");
}

#[tokio::test]
async fn one_slug_may_stand_under_two_domains() {
    let setup = Setup { domains: vec!["brand.example".into()], ..Setup::default() };
    let server = Server::with(setup).await;
    server.make_slug("spring").await;
    let body = json!({"destination": "https://example.com/brand", "slug": "spring", "domain": "brand.example"});
    let link = server.make(body).await;
    assert_eq!(link["short_url"], "https://brand.example/spring");
    assert_eq!(link["domain"], "brand.example");
    let stranger = json!({"destination": "https://example.com/", "domain": "stranger.example"});
    let refused = server.post("/v1/links", &stranger).send().await;
    assert_eq!((refused.fault(), refused.faulty()), ((422, "VALIDATION_FAILED".into()), vec!["domain".into()]));
}

#[tokio::test]
async fn a_merge_patch_tells_absent_from_null() {
    let server = Server::start().await;
    let link = server
        .make(json!({"destination": "https://example.com/", "title": "Old", "tags": ["a"], "max_clicks": 5,
            "metadata": {"keep": 1, "drop": 2, "deep": {"x": 1, "y": 2}}}))
        .await;
    let path = format!("/v1/links/{}", link["id"].as_str().unwrap());
    let patch = json!({"title": null, "max_clicks": 9, "metadata": {"drop": null, "deep": {"y": null}, "new": [1]}});
    let reply = server.patch(&path, &patch).send().await;
    let patched = reply.json();
    assert_eq!((reply.status, &patched["title"], &patched["tags"]), (200, &Value::Null, &json!(["a"])));
    assert_eq!(patched["metadata"], json!({"keep": 1, "deep": {"x": 1}, "new": [1]}));
    assert_eq!((&patched["max_clicks"], &patched["version"]), (&json!(9), &json!(2)));
    assert_ne!(reply.header("etag"), "");
    assert_eq!(server.get(&path).send().await.json(), patched);
    let nulls =
        json!({"tags": null, "metadata": null, "redirect_status": null, "max_clicks": null, "expires_at": null});
    let cleared = server.patch(&path, &nulls).send().await.json();
    assert_eq!(
        (&cleared["tags"], &cleared["metadata"], &cleared["max_clicks"]),
        (&json!([]), &json!({}), &Value::Null)
    );
}

#[tokio::test]
async fn a_patch_may_be_plain_json_too() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let reply = server.ask(Method::PATCH, &path).json(&json!({"title": "New"})).send().await;
    assert_eq!((reply.status, &reply.json()["title"]), (200, &json!("New")));
}

#[tokio::test]
async fn what_makes_the_short_link_cannot_be_patched() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let reply =
        server.patch(&path, &json!({"slug": "autumn", "domain": "x", "destination": null, "id": "x"})).send().await;
    assert_eq!(reply.fault(), (422, "VALIDATION_FAILED".into()));
    assert_eq!(reply.faulty(), ["destination", "domain", "id", "slug"]);
    assert_eq!(server.get(&path).send().await.json()["version"], 1, "nothing was changed");
}

#[tokio::test]
async fn a_deleted_link_is_not_there_and_a_second_delete_says_so() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let deleted = server.delete(&path).send().await;
    assert_snapshot!("deleted", deleted.show());
    for method in [Method::GET, Method::HEAD, Method::DELETE] {
        assert_eq!(server.ask(method.clone(), &path).send().await.status, 404, "{method}");
    }
    assert_eq!(server.patch(&path, &json!({})).send().await.fault(), (404, "NOT_FOUND".into()));
}

#[tokio::test]
async fn the_status_of_a_link_is_that_of_the_moment() {
    let server = Server::start().await;
    let link = server.make(json!({"destination": "https://example.com/", "expires_at": "2026-11-20T12:00:10Z"})).await;
    let path = format!("/v1/links/{}", link["id"].as_str().unwrap());
    server.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(server.get(&path).send().await.json()["status"], "expired");
    let patched = server.patch(&path, &json!({"expires_at": null, "disabled": true})).send().await.json();
    assert_eq!(patched["status"], "disabled");
    assert_eq!(patched["disabled_at"], "2026-11-20T12:00:10.000000Z");
    assert_eq!(server.patch(&path, &json!({"disabled": false})).send().await.json()["status"], "active");
}

#[tokio::test]
async fn a_time_is_kept_as_it_is_shown() {
    let server = Server::start().await;
    let body = json!({"destination": "https://example.com/", "expires_at": "2027-01-01T00:00:00.123456789Z"});
    let link = server.make(body).await;
    assert_eq!(link["expires_at"], "2027-01-01T00:00:00.123456Z");
    let again = server
        .patch(&format!("/v1/links/{}", link["id"].as_str().unwrap()), &json!({"expires_at": link["expires_at"]}));
    assert_eq!(again.send().await.json()["expires_at"], link["expires_at"]);
}

#[tokio::test]
async fn all_faulty_fields_are_named_at_once() {
    let server = Server::start().await;
    let large = "x".repeat(17 * 1024);
    let body = json!({"destination": "ftp://example.com", "slug": "a b", "title": 5, "tags": ["ok", "", 3],
        "expires_at": "2020-01-01T00:00:00Z", "max_clicks": 0, "redirect_status": 200, "referrer_policy": "none",
        "cache_seconds": -1, "disabled": "yes", "metadata": {"large": large}, "colour": "red"});
    let reply = server.post("/v1/links", &body).send().await;
    assert_eq!(reply.fault(), (422, "VALIDATION_FAILED".into()));
    let expected = [
        "cache_seconds",
        "colour",
        "destination",
        "disabled",
        "expires_at",
        "max_clicks",
        "metadata",
        "redirect_status",
        "referrer_policy",
        "slug",
        "tags[1]",
        "tags[2]",
        "title",
    ];
    assert_eq!(reply.faulty(), expected);
    assert_snapshot!("all_faults", reply.show());
    assert_eq!(server.count().await, 0);
}

#[tokio::test]
async fn a_link_of_another_workspace_is_not_there() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let stranger = server.issue("other", "*").await;
    for method in [Method::GET, Method::HEAD, Method::DELETE] {
        assert_eq!(server.ask(method.clone(), &path).key(&stranger).send().await.status, 404, "{method}");
    }
    assert_eq!(server.patch(&path, &json!({"title": "Mine"})).key(&stranger).send().await.code(), "NOT_FOUND");
    for part in ["stats", "qr.svg", "qr.png"] {
        assert_eq!(server.get(&format!("{path}/{part}")).key(&stranger).send().await.code(), "NOT_FOUND", "{part}");
    }
    let page = server.get("/v1/links").key(&stranger).send().await.json();
    assert_eq!(page["data"], json!([]));
    assert_eq!(server.get(&path).send().await.json()["version"], 1, "and nothing happened to it");
}

#[tokio::test]
async fn fields_that_are_the_servers_cannot_be_written() {
    let server = Server::start().await;
    for field in
        ["id", "workspace_id", "created_at", "updated_at", "clicks", "version", "status", "short_url", "admitted"]
    {
        let reply = server.post("/v1/links", &json!({"destination": "https://example.com/", field: 1})).send().await;
        assert_eq!((reply.fault(), reply.faulty()), ((422, "VALIDATION_FAILED".into()), vec![field.to_owned()]));
    }
}
