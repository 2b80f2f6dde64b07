//! Values: of the wrong type, harmful, too long.

use serde_json::{Value, json};

use super::{create, invalid};
use crate::harness::Server;

#[tokio::test]
async fn wrong_types_and_unknown_fields_are_named() {
    let server = Server::start().await;
    let values = [json!(true), json!(7), json!(-1.5), json!("text"), json!([1]), json!({"a": 1})];
    let right = |field: &str, value: &Value| match field {
        "destination" | "slug" | "domain" | "title" | "expires_at" | "referrer_policy" => value.is_string(),
        "tags" => value.is_array(),
        "metadata" => value.is_object(),
        "disabled" => value.is_boolean(),
        _ => *value == json!(7),
    };
    for field in [
        "destination",
        "slug",
        "domain",
        "title",
        "tags",
        "expires_at",
        "max_clicks",
        "redirect_status",
        "referrer_policy",
        "cache_seconds",
        "disabled",
        "metadata",
        "unknown",
    ] {
        for value in values.iter().filter(|value| field == "unknown" || !right(field, value)) {
            let mut body = json!({"destination": "https://example.com/"});
            body[field] = value.clone();
            let reply = create(&server, body.to_string()).await;
            assert_eq!((reply.fault(), reply.faulty()), (invalid(), vec![field.to_owned()]), "{field}: {value}");
        }
    }
    assert_eq!(server.count().await, 0);
}

#[tokio::test]
async fn a_destination_can_do_no_harm() {
    let server = Server::start().await;
    let long = format!("https://example.com/{}", "x".repeat(8_192));
    for destination in [
        "javascript:alert(1)",
        "JAVASCRIPT://example.com/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://example.com/",
        "mailto:a@example.com",
        "about:blank",
        "blob:https://a/b",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "\tjavascript:alert(1)",
        "\u{0}javascript:alert(1)",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://:@example.com/",
        "https://@example.com/",
        "https://go.example@evil.example/",
        "https://good.example\\@evil.example/",
        "https:\\\\example.com",
        "https://example.com/\r\nSet-Cookie: a=b",
        "https://example.com/\n",
        "https://exam\tple.com/",
        "https://example.com/\u{7f}",
        "https://example.com/\u{85}",
        "https://example.com/\u{0}",
        "",
        "https://go.example/loop",
        "https://GO.EXAMPLE/loop",
        "https://go.example:443/loop",
        "https://go.example./loop",
        "http://go.example/loop",
        "https://ｇｏ.example/loop",
        "https://%67o.example/",
        "https://go.example",
        "example.com",
        "//example.com/",
        "/path",
        "https:",
        "https://",
        "https:example.com",
        "https:///example.com",
        "http://[::1",
        "https://a b/",
        "https://xn--/",
        "https://example.com:99999/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/",
        "http://2130706433/",
        &long,
    ] {
        let reply = server.post("/v1/links", &json!({"destination": destination})).send().await;
        assert_eq!(reply.fault(), invalid(), "{destination:?}");
        assert_eq!(reply.faulty(), ["destination"], "{destination:?}");
    }
    let path = server.make_slug("spring").await;
    let patched = server.patch(&path, &json!({"destination": "javascript:alert(1)"})).send().await;
    assert_eq!((patched.fault(), patched.faulty()), (invalid(), vec!["destination".into()]));
    assert_eq!(server.count().await, 1);
}

#[tokio::test]
async fn what_stands_after_the_host_is_the_destinations_own() {
    let server = Server::start().await;
    for (given, sent) in [
        ("https://example.com/@user:pass", "https://example.com/@user:pass"),
        ("https://example.com/?to=https://u:p@go.example/", "https://example.com/?to=https://u:p@go.example/"),
        ("https://example.com/%0d%0aSet-Cookie:%20a=b", "https://example.com/%0d%0aSet-Cookie:%20a=b"),
        ("https://example.com/\"<>", "https://example.com/%22%3C%3E"),
        ("https://go.example.com/", "https://go.example.com/"),
        ("https://notgo.example/", "https://notgo.example/"),
        ("https://go.example:8443/", "https://go.example:8443/"),
    ] {
        let link = server.make(json!({"destination": given})).await;
        assert_eq!(link["destination"], sent);
        let slug = link["slug"].as_str().unwrap();
        assert_eq!(server.destination(&format!("/{slug}")).await, sent, "and it is what is sent");
    }
}

#[tokio::test]
async fn a_slug_is_a_path_that_leads_here() {
    let server = Server::start().await;
    let long = "x".repeat(129);
    for slug in [
        "",
        " ",
        "a b",
        "a\r\nb",
        "a\u{0}b",
        "a?b",
        "a#b",
        "a%2fb",
        "a\\b",
        "a:b",
        "a@b",
        "<script>",
        "a\"b",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "a/./b",
        "v1",
        "V1",
        "v1/links",
        "docs",
        "metrics",
        "livez",
        "readyz",
        "openapi.json",
        "oauth/token",
        "graphql",
        ".well-known/acme-challenge/x",
        "favicon.ico",
        "robots.txt",
        "a\u{202e}b",
        "a\u{200b}b",
        "\u{feff}a",
        "😀",
        &long,
    ] {
        let reply =
            server.post("/v1/links", &json!({"destination": "https://example.com/", "slug": slug})).send().await;
        assert_eq!((reply.fault(), reply.faulty()), (invalid(), vec!["slug".into()]), "{slug:?}");
    }
    server.make_slug(&"x".repeat(128)).await;
    server.make_slug(&"日".repeat(128)).await;
}

#[tokio::test]
async fn everything_has_a_longest() {
    let server = Server::start().await;
    let many: Vec<_> = (0..65).map(|n| n.to_string()).collect();
    let keys: serde_json::Map<_, _> = (0..51).map(|n| (n.to_string(), json!(n))).collect();
    for (field, value) in [
        ("destination", json!(format!("https://example.com/{}", "ä".repeat(4_000)))),
        ("slug", json!("x".repeat(100_000))),
        ("title", json!("x".repeat(257))),
        ("tags", json!(many)),
        ("metadata", json!(keys)),
        ("metadata", json!({"k".repeat(65): 1})),
        ("metadata", json!({"k": "x".repeat(16 * 1024)})),
        ("max_clicks", json!(u64::MAX)),
        ("cache_seconds", json!(86_401)),
        ("expires_at", json!("99999-01-01T00:00:00Z")),
        ("domain", json!("x".repeat(10_000))),
        (&"f".repeat(10_000), json!(1)),
    ] {
        let mut body = json!({"destination": "https://example.com/"});
        body[field] = value;
        let reply = create(&server, body.to_string()).await;
        assert_eq!((reply.fault(), reply.faulty()), (invalid(), vec![field.to_owned()]), "{field:.40}");
    }
    let tag = json!({"destination": "https://example.com/", "tags": ["x".repeat(65)]});
    assert_eq!(create(&server, tag.to_string()).await.faulty(), ["tags[0]"]);
    let brim = json!({"destination": "https://example.com/", "title": "x".repeat(256), "tags": many[..64], "max_clicks": i64::MAX,
        "cache_seconds": 86_400, "metadata": {"k".repeat(64): "x".repeat(16_000)}});
    assert_eq!(create(&server, brim.to_string()).await.status, 201, "and each bound itself is within");
}
