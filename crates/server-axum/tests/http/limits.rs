//! Rate limits, and what the headers tell of them (contract §7).

use std::time::Duration;

use http::Method;
use insta::assert_snapshot;
use serde_json::json;
use waypost_core::credentials::PlanName;
use waypost_core::limits::{Algorithm, Plans, Policy, WORKSPACE};
use waypost_server_axum::HttpOptions;
use waypost_server_axum::gateway::client_address::TrustedProxies;

use crate::harness::{Reply, Server, Setup};

const MINUTE: Duration = Duration::from_secs(60);

fn policy(name: &str, quota: u32) -> Policy {
    Policy::new(name, Algorithm::TokenBucket, quota, MINUTE).unwrap()
}

async fn server(http: HttpOptions) -> Server {
    Server::with(Setup { http, ..Setup::default() }).await
}

/// A server that allows each principal this many requests a minute.
async fn planned(quota: u32) -> Server {
    Server::with(Setup { plans: Plans::common([policy("api", quota)]), ..Setup::default() }).await
}

fn number(reply: &Reply, name: &str) -> i64 {
    reply.header(name).parse().unwrap()
}

#[tokio::test]
async fn a_principal_has_a_quota_and_is_let_in_again_after_the_wait_that_is_told() {
    let server = planned(3).await;
    for left in [2, 1, 0] {
        let reply = server.get("/v1/links").send().await;
        assert_eq!(
            (reply.status, number(&reply, "x-ratelimit-limit"), number(&reply, "x-ratelimit-remaining")),
            (200, 3, left)
        );
        assert_eq!(reply.header("ratelimit-policy"), "\"address\";q=240000;w=60, \"api\";q=3;w=60");
        assert!(number(&reply, "x-ratelimit-reset") > 1_795_176_000);
    }
    let refused = server.get("/v1/links").send().await;
    assert_eq!(refused.fault(), (429, "RATE_LIMITED".into()));
    assert_snapshot!("rate_limited", refused.show());
    let wait = refused.header("retry-after").parse().unwrap();
    server.clock.advance(Duration::from_secs(wait) - Duration::from_millis(1));
    assert_eq!(server.get("/v1/links").send().await.status, 429);
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(server.get("/v1/links").send().await.status, 200);
}

#[tokio::test]
async fn one_principal_does_not_use_up_another_and_a_refusal_costs_nothing_else() {
    let server = planned(1).await;
    let other = server.issue("default", "*").await;
    assert_eq!(server.get("/v1/links").send().await.status, 200);
    let body = json!({"destination": "https://example.com/"});
    assert_eq!(server.post("/v1/links", &body).once("k").send().await.status, 429);
    assert_eq!(server.get("/v1/links").key(&other).send().await.json()["data"], json!([]));
    server.clock.advance(MINUTE);
    assert!(!server.post("/v1/links", &body).once("k").send().await.has("idempotent-replayed"), "429 is not kept");
}

#[tokio::test]
async fn an_address_is_limited_before_anything_is_known_of_who_asks() {
    let proxies = TrustedProxies::parse(["10.0.0.0/8"]).unwrap();
    let http = HttpOptions { per_address: policy("address", 1), trusted_proxies: proxies, ..HttpOptions::default() };
    let server = server(http).await;
    let status = async |asking: crate::harness::Asking| asking.send().await.status;
    assert_eq!(status(server.anonymous(Method::GET, "/v1/links").from("192.0.2.1:1")).await, 401);
    assert_eq!(status(server.get("/v1/links").from("192.0.2.1:2")).await, 429);
    assert_eq!(status(server.anonymous(Method::OPTIONS, "/v1/links").from("192.0.2.1:3")).await, 429, "preflights too");
    assert_eq!(status(server.get("/v1/nothing").from("192.0.2.1:4")).await, 429, "and what is not there");
    assert_eq!(
        status(server.get("/v1/links").from("192.0.2.1:5").header("x-forwarded-for", "203.0.113.1")).await,
        429,
        "forged"
    );
    assert_eq!(status(server.get("/v1/links").from("192.0.2.2:1")).await, 200);
    let proxied = |client: &str| server.get("/v1/links").from("10.0.0.1:1").header("x-forwarded-for", client);
    assert_eq!(status(proxied("198.51.100.1, 203.0.113.9")).await, 200);
    assert_eq!(status(proxied("198.51.100.2, 203.0.113.9")).await, 429, "counted from the right");
    assert_eq!(status(server.get("/v1/links").from("[2001:db8:1:2::1]:1")).await, 200);
    assert_eq!(status(server.get("/v1/links").from("[2001:db8:1:2:ffff::9]:1")).await, 429, "a /64 is one caller");
    assert_eq!(status(server.get("/v1/links").from("[2001:db8:1:3::1]:1")).await, 200);
}

#[tokio::test]
async fn credentials_that_are_not_good_are_counted_by_address() {
    let server = server(HttpOptions { failures: policy("failed-logins", 2), ..HttpOptions::default() }).await;
    let guess = |n: usize| server.get("/v1/links").key(&format!("wp_live_guess_number_{n:04}")).from("192.0.2.1:1");
    assert_eq!(guess(1).send().await.status, 401);
    assert_eq!(guess(2).send().await.status, 401);
    let refused = guess(3).send().await;
    assert_eq!(refused.fault(), (429, "RATE_LIMITED".into()));
    assert_eq!(server.get("/v1/links").from("192.0.2.1:1").send().await.status, 200, "good ones still are");
}

#[tokio::test]
async fn who_walks_through_the_slugs_is_stopped_and_what_is_known_is_followed() {
    let server = server(HttpOptions { misses: policy("unknown-links", 2), ..HttpOptions::default() }).await;
    server.make_slug("spring").await;
    server.make_slug("autumn").await;
    assert_eq!(server.destination("/spring").await, "https://example.com/");
    for slug in ["/a", "/b"] {
        assert!(!server.follow(slug).send().await.has("ratelimit"), "said on 429 alone");
    }
    let refused = server.follow("/c").send().await;
    assert_eq!(refused.fault(), (429, "RATE_LIMITED".into()));
    assert_snapshot!("unknown_links_limited", refused.show());
    assert_eq!(server.destination("/spring").await, "https://example.com/", "it is in memory");
    let unseen = server.follow("/autumn").send().await;
    assert_eq!(unseen.status, 429, "a walker cannot tell what is there from what is not");
}

#[tokio::test]
async fn a_thousand_at_once_on_a_quota_of_ten_are_ten() {
    let server = planned(10).await;
    let asked: Vec<_> = (0..1_000).map(|_| tokio::spawn(server.get("/v1/links").send())).collect();
    let mut admitted = 0;
    for reply in asked {
        admitted += usize::from(reply.await.unwrap().status == 200);
    }
    assert_eq!(admitted, 10);
}

#[tokio::test]
async fn a_plan_limits_who_is_on_it_by_the_policy_of_the_route() {
    let server = Server::start().await;
    let key = |plan: &'static str| json!({"name": "x", "scopes": ["webhooks:write", "links:read"], "plan": plan});
    let made = server.post("/v1/api-keys", &key("partner")).send().await.json();
    let partner = made["key"].as_str().unwrap().to_owned();
    let hook = json!({"url": "https://partner.example/hooks", "events": ["*"]});
    let register = || server.post("/v1/webhooks", &hook).key(&partner).send();
    for left in (0..10).rev() {
        let reply = register().await;
        assert_eq!((reply.status, number(&reply, "x-ratelimit-remaining")), (201, left), "{}", reply.text());
        assert_eq!(
            (number(&reply, "x-ratelimit-limit"), reply.header("x-ratelimit-limit")),
            (10, "10"),
            "the tightest"
        );
    }
    let refused = register().await;
    assert_eq!(refused.fault(), (429, "RATE_LIMITED".into()));
    assert_snapshot!("eleventh_registration", refused.show());
    let others = server.get("/v1/links").key(&partner).send().await;
    assert_eq!((others.status, number(&others, "x-ratelimit-limit")), (200, 6_000), "other calls go on");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    server.clock.advance(Duration::from_secs(wait));
    assert_eq!(register().await.status, 201);
}

#[tokio::test]
async fn a_workspace_is_limited_as_a_whole_where_its_plan_says_so() {
    let free = PlanName::parse("free").unwrap();
    let plans = Plans::default().with(free, [policy(WORKSPACE, 3)]);
    let server = Server::with(Setup { plans, ..Setup::default() }).await;
    let mut keys = Vec::new();
    for name in ["a", "b"] {
        let body = json!({"name": name, "scopes": ["links:read"], "plan": "free"});
        keys.push(server.post("/v1/api-keys", &body).send().await.json()["key"].as_str().unwrap().to_owned());
    }
    for (at, expected) in [(0, 200), (1, 200), (0, 200), (1, 429), (0, 429)] {
        let reply = server.get("/v1/links").key(&keys[at]).send().await;
        assert_eq!(reply.status, expected, "{}", reply.text());
    }
    assert_eq!(server.get("/v1/links").send().await.status, 200, "who is on another plan is not counted there");
}
