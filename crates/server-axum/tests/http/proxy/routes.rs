//! Configured routes behind the guard, beside the server's own.

use axum::Router;
use axum::extract::Request;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use waypost_core::limits::{Algorithm, Plans, Policy};
use waypost_server_axum::gateway::client_address::TrustedProxies;
use waypost_server_axum::proxy::config::{Section, Vocabulary, check};
use waypost_server_axum::proxy::forward::{Edge, Rule, Vouch, VouchByToken};
use waypost_server_axum::proxy::table::Table;
use waypost_server_axum::{App, Gateway, HttpOptions, Own};

use super::ground::*;
use crate::harness::{Server, Setup};

/// Says whose key it was.
#[derive(Debug)]
struct Word;

#[async_trait::async_trait]
impl Vouch for Word {
    async fn vouch(&self, parts: &http::request::Parts, upstream: &str, _: &str) -> Option<http::HeaderValue> {
        let principal = parts.extensions.get::<waypost_core::credentials::Principal>()?;
        http::HeaderValue::try_from(format!("{} at {upstream}", principal.workspace)).ok()
    }
}

struct Ground {
    front: Running,
    key: String,
    poor_key: String,
    workspace: String,
    _target: Running,
}

async fn ground(own: Own) -> Ground {
    // It says what reached it.
    let answer = |request: Request| async move {
        let principal = request.headers().get("waypost-principal").cloned();
        let principal = principal.and_then(|value| value.to_str().map(str::to_owned).ok()).unwrap_or("nobody".into());
        let id = request.headers().contains_key("x-request-id") && request.headers().contains_key("traceparent");
        format!("{} {} for {principal}, named {id}", request.method(), request.uri())
    };
    ground_before(own, serve(Router::new().fallback(answer)).await).await
}

async fn ground_before(own: Own, target: Running) -> Ground {
    let tight = Policy::new("tight", Algorithm::FixedWindow, 2, Duration::from_secs(60)).expect("a policy");
    let plans = Plans::default().with_common([tight]);
    let server = Server::with(Setup { plans, ..Setup::default() }).await;
    let app = App::new(server.platform.clone(), HttpOptions::default(), None);
    let route = |path: &str, more: Value| {
        let mut route = json!({"path": path, "methods": ["GET", "POST"], "upstream": "shop"});
        for (key, value) in more.as_object().cloned().unwrap_or_default() {
            route[key] = value;
        }
        route
    };
    let section = json!({
        "version": 1,
        "upstreams": [{"name": "shop", "targets": [{"url": target.url()}]}],
        "routes": [
            route("/shop/items/{id}", json!({"scope": "links:read", "strip_prefix": "/shop"})),
            route("/shop/open/{*rest}", json!({"public": true})),
            route("/shop/tight", json!({"public": true, "policy": "tight"})),
        ],
    });
    let routes = own.routes().into_iter().map(|route| (route.path, route.method)).collect();
    let words = Vocabulary { policies: vec!["tight".to_owned()], own: routes, follows: own == Own::All };
    let plan = check(&Section::read(section).expect("a form"), &words).expect("words");
    let edge = Edge { vouch: Arc::new(Word), ..Edge::default() };
    let table = Arc::new(Table::build(&plan, None, &edge).expect("it can be built"));
    let gateway = Gateway::with(app, own, table).expect("it can be served");
    Ground {
        front: serve(Router::new().fallback_service(gateway)).await,
        key: server.issue("default", "links:read").await,
        poor_key: server.issue("default", "events:read").await,
        workspace: server.platform.credentials.workspace("default").await.expect("a workspace").id.to_string(),
        _target: target,
    }
}

impl Ground {
    async fn ask(&self, method: &str, path: &str, key: &str) -> Answer {
        let key = if key.is_empty() { String::new() } else { format!("Authorization: Bearer {key}\r\n") };
        ask(self.front.address, method, path, &format!("{key}Waypost-Principal: forged\r\n"), "").await
    }
}

/// Says for which path it was asked, and how many times it was.
#[derive(Debug, Default)]
struct Paths(std::sync::atomic::AtomicUsize);

#[async_trait::async_trait]
impl Vouch for Paths {
    async fn vouch(&self, _: &http::request::Parts, _: &str, path: &str) -> Option<http::HeaderValue> {
        let count = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        http::HeaderValue::try_from(format!("{path} {count}")).ok()
    }
}

#[tokio::test]
async fn each_attempt_has_a_word_of_its_own_for_the_path_that_the_target_sees() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    let (bad, good) = (Raw::start("").await, Raw::start(ok).await);
    let urls = [bad.running.url() + "/one", good.running.url() + "/two/"];
    let edge = Edge { vouch: Arc::new(Paths::default()), ..Edge::default() };
    let rule = Rule { strip_prefix: Some("/shop".into()), ..Rule::default() };
    let gateway = gateway(upstream(&urls, json!({})), rule, edge).await;
    while bad.seen().is_empty() {
        assert_eq!(get(gateway.address, "/shop/a?b=c").await.status, 200);
    }
    let (lost, seen) = (bad.seen().concat(), good.seen());
    let last = seen.last().expect("a request");
    let count = seen.len();
    assert!(lost.contains(&format!("waypost-principal: /one/a {count}\r\n")), "{lost}");
    assert!(last.starts_with("GET /two/a?b=c ") && last.contains(&format!(": /two/a {}\r\n", count + 1)), "{last}");
}

#[tokio::test]
async fn a_configured_route_has_the_same_guard_as_any_other() {
    let ground = ground(Own::All).await;
    let nobody = ground.ask("GET", "/shop/items/1", "").await;
    assert!(nobody.status == 401 && nobody.body.contains("UNAUTHENTICATED"), "{nobody:?}");
    let poor = ground.ask("GET", "/shop/items/1", &ground.poor_key).await;
    assert!(poor.status == 403 && poor.body.contains("links:read"), "{poor:?}");
    let well = ground.ask("GET", "/shop/items/1?a=b", &ground.key).await;
    let told = format!("GET /items/1?a=b for {} at shop, named true", ground.workspace);
    assert_eq!((well.status, well.body.as_str()), (200, told.as_str()));
    assert!(well.header("x-ratelimit-limit").is_some() && well.header("x-request-id").is_some(), "{well:?}");
    let open = ground.ask("POST", "/shop/open/a/b", "").await;
    assert_eq!(open.body, "POST /shop/open/a/b for nobody, named true");
}

#[tokio::test]
async fn methods_limits_and_paths_are_those_of_the_table() {
    let ground = ground(Own::All).await;
    let wrong = ground.ask("DELETE", "/shop/items/1", "").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("get, head, post, options")));
    let asked = ground.ask("OPTIONS", "/shop/items/1", "").await;
    assert_eq!((asked.status, asked.header("allow")), (204, Some("get, head, post, options")));
    let head = ground.ask("HEAD", "/shop/open/a", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(ground.ask("GET", "/shop/tight", "").await.status);
    }
    assert_eq!(statuses, [200, 200, 429], "its own policy, by address");
    assert_eq!(ground.ask("GET", "/shop/nothing", "").await.status, 404, "no short link either");
}

#[tokio::test]
async fn what_a_target_says_of_its_answer_stays_and_is_not_added_to() {
    let answer = |request: Request| async move {
        let bare = request.uri().path() == "/shop/open/bare";
        let said = [("allow", "PURGE"), ("x-frame-options", "SAMEORIGIN"), ("x-ratelimit-limit", "7")];
        let mut response = http::Response::builder().status(if bare { 200 } else { 405 });
        for (name, value) in said.iter().filter(|_| !bare) {
            response = response.header(*name, *value);
        }
        response.body(axum::body::Body::from("mine")).expect("a response")
    };
    let ground = ground_before(Own::All, serve(Router::new().fallback(answer)).await).await;
    let said = ground.ask("GET", "/shop/open/a", "").await;
    assert_eq!(
        (said.status, said.header("allow"), said.header("x-frame-options")),
        (405, Some("purge"), Some("sameorigin"))
    );
    assert_eq!((said.header("x-ratelimit-limit"), said.header("x-ratelimit-remaining")), (Some("7"), None));
    let bare = ground.ask("GET", "/shop/open/bare", "").await;
    for absent in ["content-security-policy", "x-frame-options", "cross-origin-resource-policy", "referrer-policy"] {
        assert!(
            bare.header(absent).is_none() && said.header(absent).is_none_or(|value| value == "sameorigin"),
            "{absent}"
        );
    }
    assert_eq!(bare.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn the_servers_own_routes_stand_beside_them_or_not() {
    let all = ground(Own::All).await;
    assert_eq!(all.ask("GET", "/v1/links", &all.key).await.status, 200);
    assert_eq!(all.ask("GET", "/readyz", "").await.status, 200);
    let alone = ground(Own::Probes).await;
    assert_eq!(alone.ask("GET", "/shop/items/1", &alone.key).await.status, 200);
    assert_eq!(alone.ask("GET", "/readyz", "").await.status, 200);
    for path in ["/v1/links", "/openapi.json", "/a-short-link"] {
        let answer = alone.ask("GET", path, &alone.key).await;
        assert!(answer.status == 404 && answer.body.contains("no such route"), "{path}: {answer:?}");
    }
}

/// A gateway in front of a node, both of one platform.
#[tokio::test]
async fn a_node_takes_the_callers_that_its_gateway_vouches_for_and_nobody_elses_word() {
    let server = Server::start().await;
    let behind = |name: Option<&str>| {
        let options = HttpOptions {
            vouched_as: name.map(str::to_owned),
            trust_gateway: name.is_some(),
            trusted_proxies: TrustedProxies::parse(["127.0.0.0/8"]).expect("a network"),
            ..HttpOptions::default()
        };
        let gateway = Gateway::new(App::new(server.platform.clone(), options, None)).expect("it can be served");
        serve(Router::new().fallback_service(gateway))
    };
    let (links, other, untold) = (behind(Some("links")).await, behind(Some("other")).await, behind(None).await);
    let front = |target: String| {
        let section = json!({
            "version": 1,
            "upstreams": [{"name": "links", "targets": [{"url": target}]}],
            "routes": [{"path": "/v1/links", "methods": ["GET"], "scope": "links:read", "upstream": "links"}],
        });
        let own = Own::Probes.routes().into_iter().map(|route| (route.path, route.method)).collect();
        let words = Vocabulary { policies: Vec::new(), own, follows: false };
        let plan = check(&Section::read(section).expect("a form"), &words).expect("words");
        let edge = Edge { vouch: Arc::new(VouchByToken(server.platform.tokens.clone())), ..Edge::default() };
        let table = Arc::new(Table::build(&plan, None, &edge).expect("it can be built"));
        let app = App::new(server.platform.clone(), HttpOptions::default(), None);
        let gateway = Gateway::with(app, Own::Probes, table).expect("it can be served");
        serve(Router::new().fallback_service(gateway))
    };
    let key = format!("Authorization: Bearer {}\r\n", server.issue("default", "links:read").await);
    let through = async |target: &Running| {
        let front = front(target.url()).await;
        ask(front.address, "GET", "/v1/links", &key, "").await
    };
    let told = through(&links).await;
    assert!(told.status == 200 && told.body.contains("next_cursor"), "{told:?}");
    assert_eq!(through(&other).await.status, 401, "a word for one upstream is no use at another");
    assert_eq!(through(&untold).await.status, 401, "a node that knows of no gateway takes nobody's word");

    let platform = &server.platform;
    let who = platform.credentials.authenticate(&server.issue("default", "*").await).await.expect("a principal");
    let word = platform.tokens.vouch(&who, "links", "GET", "/v1/links").await.expect("a word");
    let direct = async |method, path, word: &str| {
        ask(links.address, method, path, &format!("Waypost-Principal: {word}\r\n"), "").await.status
    };
    assert_eq!(direct("GET", "/v1/links", &word).await, 200);
    assert_eq!(direct("GET", "/v1/events", &word).await, 401, "it is for one path");
    assert_eq!(direct("DELETE", "/v1/links/lnk_01JD3X8M2V7Q5T9B4C6E8G0HJK", &word).await, 401, "and one method");
    assert_eq!(direct("GET", "/v1/links", "forged").await, 401);
    let bearer = ask(links.address, "GET", "/v1/links", &format!("Authorization: Bearer {word}\r\n"), "").await;
    assert_eq!(bearer.status, 401, "a word is no access token");
}
