//! Routes on their way out (contract §8).

use std::time::Duration;

use http::Method;
use serde_json::json;
use waypost_server_axum::HttpOptions;
use waypost_server_axum::gateway::deprecation::Declared;

use crate::harness::{Server, Setup};

async fn server() -> Server {
    let declared = json!([
        {"path": "/v1/links/{id}/stats", "since": "2026-11-01T00:00:00Z", "sunset": "2027-06-01T00:00:00Z",
            "link": "https://go.example/farewell"},
        {"path": "/v1/links", "methods": ["POST"], "since": "2026-11-01T00:00:00Z", "link": "https://go.example/v2"},
    ]);
    let http = HttpOptions { farewells: Declared::read(declared).unwrap(), ..HttpOptions::default() };
    Server::with(Setup { http, ..Setup::default() }).await
}

#[tokio::test]
async fn a_declared_farewell_is_on_every_answer_of_its_methods_and_410_after_the_sunset() {
    let server = server().await;
    let path = server.make_slug("old").await;
    let stats = format!("{path}/stats");
    for reply in [
        server.get(&stats).send().await,
        server.anonymous(Method::GET, &stats).send().await,
        server.ask(Method::HEAD, &stats).send().await,
        server.ask(Method::PATCH, &stats).send().await,
    ] {
        let has = reply.has("deprecation") || reply.status == 405;
        assert!(has, "{}", reply.show());
    }
    let going = server.post("/v1/links", &json!({})).send().await;
    assert_eq!((going.status, going.header("deprecation")), (422, "@1793491200"));
    assert!(!going.has("sunset"), "no end is decided");
    assert!(!server.get("/v1/links").send().await.has("deprecation"), "reading stays");
    server.clock.advance(Duration::from_secs(200 * 86_400));
    let gone = server.get(&stats).send().await;
    assert_eq!((gone.fault(), gone.header("sunset")), ((410, "GONE".into()), "Tue, 01 Jun 2027 00:00:00 GMT"));
}

#[tokio::test]
async fn the_workspace_sees_its_own_callers_and_no_other() {
    let server = server().await;
    let path = format!("{}/stats", server.make_slug("old").await);
    let foreign = server.issue("other", "*").await;
    for _ in 0..3 {
        server.get(&path).send().await;
    }
    server.clock.advance(Duration::from_secs(60));
    server.get(&path).key(&foreign).send().await;
    server.anonymous(Method::GET, &path).send().await;
    let page = server.get("/v1/deprecations").send().await.json();
    let paths: Vec<_> = page["data"].as_array().unwrap().iter().map(|row| row["path"].clone()).collect();
    assert_eq!(paths, ["/v1/links", "/v1/links/{id}/stats"]);
    assert_eq!(page["data"][0]["methods"], json!(["POST"]));
    assert_eq!(page["data"][0]["callers"][0]["calls"], 1, "the link that was made");
    let stats = &page["data"][1];
    assert_eq!((&stats["sunset"], &stats["methods"]), (&json!("2027-06-01T00:00:00.000000Z"), &json!(["GET", "HEAD"])));
    assert_eq!(stats["callers"].as_array().unwrap().len(), 1, "{stats}");
    assert_eq!((&stats["callers"][0]["calls"], &stats["other_calls"]), (&json!(3), &json!(0)));
    assert_eq!(stats["callers"][0]["last_seen"], "2026-11-20T12:00:00.000000Z");
    assert!(stats["callers"][0]["principal"].as_str().unwrap().starts_with("key_"));
    let theirs = server.get("/v1/deprecations").key(&foreign).send().await.json();
    let theirs = &theirs["data"][1];
    assert_eq!((&theirs["callers"][0]["calls"], theirs["callers"].as_array().unwrap().len()), (&json!(1), 1));
    assert_eq!(theirs["callers"][0]["last_seen"], "2026-11-20T12:01:00.000000Z");
    assert_eq!(server.anonymous(Method::GET, "/v1/deprecations").send().await.status, 401);
}

#[tokio::test]
async fn a_server_without_farewells_says_so() {
    let server = Server::start().await;
    assert_eq!(server.get("/v1/deprecations").send().await.json()["data"], json!([]));
}
