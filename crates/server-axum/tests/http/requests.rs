//! What holds for every request: ids, methods, `HEAD`, `OPTIONS`, `Accept`, and the size of its head.

use http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Document, Reply, Server};

#[tokio::test]
async fn a_callers_id_is_kept_if_it_is_well_formed_and_replaced_else() {
    let server = Server::start().await;
    for path in ["/v1/links", "/nothing", "/livez", "/v1/nothing"] {
        for own in ["a", "req-7.x_Y", &"x".repeat(128)] {
            assert_eq!(server.get(path).header("x-request-id", own).send().await.header("x-request-id"), own, "{path}");
        }
        for own in ["", "a b", "a;b", "a\tb", "é", &"x".repeat(129)] {
            let reply = server.get(path).header_bytes("x-request-id", own.as_bytes()).send().await;
            assert!(reply.header("x-request-id").starts_with("req_"), "{path}: {own:?}");
        }
        let twice = server.get(path).header("x-request-id", "a").header("x-request-id", "b").send().await;
        assert!(twice.header("x-request-id").starts_with("req_"), "two are none");
    }
}

#[tokio::test]
async fn a_trace_is_carried_on_into_the_event() {
    let server = Server::start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let body = json!({"destination": "https://example.com/"});
    server.post("/v1/links", &body).header("traceparent", trace).send().await;
    server.post("/v1/links", &body).header("traceparent", "00-nonsense").send().await;
    server.run_engines().await;
    let events = server.get("/v1/events").send().await.json()["data"].clone();
    let carried = events[0]["traceparent"].as_str().unwrap();
    assert_eq!(&carried[..36], &trace[..36], "the trace is the caller's: {carried}");
    assert!(!events[1]["traceparent"].as_str().unwrap().contains("nonsense"));
}

#[tokio::test]
async fn options_and_405_tell_the_methods_that_there_are() {
    let server = Server::start().await;
    let operations = Document::get().operations();
    for (path, ..) in &operations {
        let mut methods = vec!["OPTIONS".to_owned()];
        for (_, method, _) in operations.iter().filter(|(other, ..)| other == path) {
            methods.push(method.to_string());
            if method == Method::GET {
                methods.push("HEAD".to_owned());
            }
        }
        methods.sort();
        methods.dedup();
        let sorted = |allow: &str| {
            let mut names: Vec<_> = allow.split(", ").map(str::to_owned).collect();
            names.sort();
            names
        };
        let path = Document::example(path);
        let options = server.anonymous(Method::OPTIONS, &path).send().await;
        assert_eq!((options.status, sorted(options.header("allow"))), (204, methods.clone()), "{path}");
        for wrong in ["PUT", "TRACE", "CONNECT", "BREW", "PROPFIND"] {
            let wrong = Method::from_bytes(wrong.as_bytes()).unwrap();
            let reply = server.anonymous(wrong.clone(), &path).send().await;
            // OAuth clients are told in the words of their protocol.
            let code =
                if path.starts_with("/oauth/") && path != "/oauth/authorize" { "" } else { "METHOD_NOT_ALLOWED" };
            assert_eq!(reply.fault(), (405, code.into()), "{wrong} {path}, known to nobody and asked by nobody");
            assert_eq!(sorted(reply.header("allow")), methods, "{wrong} {path}");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let server = Server::start().await;
    let reply = server.ask(Method::DELETE, "/v1/links").send().await;
    assert_snapshot!("method_not_allowed", reply.show());
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let server = Server::start().await;
    let link = server.make_slug("spring").await;
    let paths = [
        "/v1/links",
        &link,
        &format!("{link}/stats"),
        &format!("{link}/qr.svg"),
        "/v1/events",
        "/v1/event-types",
        "/livez",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/docs/errors/GONE",
        "/v1/nothing",
        "/v1/links?limit=0",
    ]
    .map(str::to_owned);
    for path in paths {
        let (get, head) = (server.get(&path).send().await, server.ask(Method::HEAD, &path).send().await);
        assert_eq!(head.status, get.status, "{path}");
        for name in get.headers.keys() {
            let moment =
                ["x-request-id", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset"].contains(&name.as_str());
            if !moment && name != "content-length" {
                let values = |reply: &Reply| reply.headers.get_all(name).iter().cloned().collect::<Vec<_>>();
                assert_eq!(values(&head), values(&get), "{path}: {name}");
            }
        }
        if head.has("content-length") {
            assert_eq!(head.header("content-length"), get.body.len().to_string(), "{path}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_taken_is_406_and_what_can_is_sent() {
    let server = Server::start().await;
    for accept in ["*/*", "application/*", "application/json", "text/html, */*;q=0.1", "application/json;q=0.001"] {
        assert_eq!(server.get("/v1/links").header("accept", accept).send().await.status, 200, "{accept}");
    }
    for accept in ["text/html", "application/json;q=0", "*/*;q=0", "application/*;q=0, text/*"] {
        let reply = server.get("/v1/links").header("accept", accept).send().await;
        assert_eq!(reply.fault(), (406, "NOT_ACCEPTABLE".into()), "{accept}");
    }
    let path = server.make_slug("spring").await;
    let body = json!({"destination": "https://example.com/"});
    assert_eq!(server.post("/v1/links", &body).header("accept", "text/html").send().await.status, 406);
    assert_eq!(server.count().await, 1, "refused before anything was done");
    assert_eq!(server.get(&format!("{path}/qr.png")).header("accept", "image/*").send().await.status, 200);
}

#[tokio::test]
async fn a_head_has_a_largest() {
    let server = Server::start().await;
    let uri = |bytes: usize| format!("/v1/links?q={}", "x".repeat(bytes - "/v1/links?q=".len()));
    assert_eq!(server.get(&uri(8 * 1024)).send().await.status, 422, "8 KiB are read, and the text is too long");
    assert_eq!(server.get(&uri(8 * 1024 + 1)).send().await.fault(), (414, "URI_TOO_LONG".into()));
    assert_eq!(
        server.get("/v1/links").header("x-large", &"x".repeat(32 * 1024)).send().await.fault(),
        (431, "HEADERS_TOO_LARGE".into())
    );
    let many = (0..101).fold(server.get("/v1/links"), |asking, n| asking.header("x-many", &n.to_string()));
    assert_eq!(many.send().await.fault(), (431, "HEADERS_TOO_LARGE".into()));
}

#[tokio::test]
async fn a_slug_is_held_to_the_same_head() {
    let server = Server::start().await;
    server.make_slug("spring").await;
    let long = format!("/{}", "x".repeat(8 * 1024));
    assert_eq!(server.follow(&long).send().await.fault(), (414, "URI_TOO_LONG".into()));
    let large = server.follow("/spring").header("x-large", &"x".repeat(32 * 1024)).send().await;
    assert_eq!(large.fault(), (431, "HEADERS_TOO_LARGE".into()));
}
