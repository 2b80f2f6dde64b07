//! Bad input: whatever comes, the answer has the one shape of errors, the right status, and nothing is made of it.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Reply, Server};

const MIB: usize = 1 << 20;

/// Posts these bytes as a link.
async fn create(server: &Server, body: impl Into<Body>) -> Reply {
    server.ask(Method::POST, "/v1/links").header("content-type", "application/json").body(body).send().await
}

fn malformed() -> (u16, String) {
    (400, "MALFORMED_REQUEST".into())
}

fn invalid() -> (u16, String) {
    (422, "VALIDATION_FAILED".into())
}

#[tokio::test]
async fn text_that_is_not_json_is_malformed() {
    let server = Server::start().await;
    let whole = r#"{"destination": "https://example.com/", "tags": ["a", "b"], "max_clicks": 10}"#;
    for end in 0..whole.len() {
        assert_eq!(create(&server, &whole[..end]).await.fault(), malformed(), "cut after {end}");
    }
    for text in [
        "nonsense", "{'destination': 1}", "{\"a\": 1,}", "[1,]", "{\"a\" 1}", "NaN", "{\"a\": Infinity}", "{\"a\": 01}",
        "{\"a\": 1e400}", "{\"a\": \"\u{1}\"}", "{} {}", "{}x", "\u{feff}{}", r#"{"a": "\ud800"}"#, r#"{"a": "\x"}"#, "// x\n{}",
    ] {
        assert_eq!(create(&server, text).await.fault(), malformed(), "{text}");
    }
    for value in ["null", "true", "7", "\"text\"", "[]"] {
        assert_eq!(create(&server, value).await.fault(), malformed(), "{value} is no object");
    }
    assert_eq!(server.count().await, 0);
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_malformed() {
    let server = Server::start().await;
    for bytes in [&b"{\"destination\": \"https://example.com/\xff\"}"[..], b"\xff\xfe{}", b"{\"\xc3\x28\": 1}", b"{\"a\": \"\xed\xa0\x80\"}"] {
        assert_eq!(create(&server, Bytes::from_static(bytes)).await.fault(), malformed(), "{bytes:?}");
    }
    for path in ["/v1/links/%ff", "/v1/links/%C3%28/stats", "/docs/errors/%ff", "/v1/links?q=%ff", "/v1/links?%ff=1", "/v1/events?types=%80"] {
        assert_eq!(server.get(path).send().await.fault(), malformed(), "{path}");
    }
    assert_eq!(server.follow("/%ff").send().await.status, 404, "no slug is written so");
}

#[tokio::test]
async fn a_key_that_stands_twice_is_malformed_however_deep() {
    let server = Server::start().await;
    for text in [
        r#"{"destination": "https://example.com/", "destination": "https://example.org/"}"#,
        r#"{"destination": "https://example.com/", "metadata": {"a": {"b": 1, "b": 2}}}"#,
        r#"{"destination": "https://example.com/", "metadata": {"a": 1, "\u0061": 2}}"#,
    ] {
        assert_eq!(create(&server, text).await.fault(), malformed(), "{text}");
    }
    assert_eq!(server.get("/v1/links?limit=1&limit=2").send().await.fault(), invalid());
}

#[tokio::test]
async fn sixty_four_levels_of_json_pass_and_one_more_does_not() {
    let server = Server::start().await;
    // The body and `metadata` are two of them.
    let body = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 2), "]".repeat(levels - 2));
        format!(r#"{{"destination": "https://example.com/", "metadata": {{"deep": {open}{close}}}}}"#)
    };
    assert_eq!(create(&server, body(64)).await.status, 201);
    for levels in [65, 200, 100_000] {
        assert_eq!(create(&server, body(levels)).await.fault(), malformed(), "{levels}");
    }
}

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
    for field in ["destination", "slug", "domain", "title", "tags", "expires_at", "max_clicks", "redirect_status",
        "referrer_policy", "cache_seconds", "disabled", "metadata", "unknown"]
    {
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
        "javascript:alert(1)", "JAVASCRIPT://example.com/%0aalert(1)", "data:text/html,<script>alert(1)</script>",
        "vbscript:x", "file:///etc/passwd", "ftp://example.com/", "mailto:a@example.com", "about:blank", "blob:https://a/b",
        "java\nscript:alert(1)", " javascript:alert(1)", "\tjavascript:alert(1)", "\u{0}javascript:alert(1)",
        "https://user@example.com/", "https://user:secret@example.com/", "https://:@example.com/", "https://@example.com/",
        "https://go.example@evil.example/", "https://good.example\\@evil.example/", "https:\\\\example.com",
        "https://example.com/\r\nSet-Cookie: a=b", "https://example.com/\n", "https://exam\tple.com/", "https://example.com/\u{7f}",
        "https://example.com/\u{85}", "https://example.com/\u{0}", "",
        "https://go.example/loop", "https://GO.EXAMPLE/loop", "https://go.example:443/loop", "https://go.example./loop",
        "http://go.example/loop", "https://ｇｏ.example/loop", "https://%67o.example/", "https://go.example",
        "example.com", "//example.com/", "/path", "https:", "https://", "https:example.com", "https:///example.com", "http://[::1", "https://a b/",
        "https://xn--/", "https://example.com:99999/", "http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "http://2130706433/",
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
        "", " ", "a b", "a\r\nb", "a\u{0}b", "a?b", "a#b", "a%2fb", "a\\b", "a:b", "a@b", "<script>", "a\"b", "/a", "a/", "a//b", ".", "..",
        "a/../b", "a/./b", "v1", "V1", "v1/links", "docs", "metrics", "livez", "readyz", "openapi.json", "oauth/token", "graphql",
        ".well-known/acme-challenge/x", "favicon.ico", "robots.txt", "a\u{202e}b", "a\u{200b}b", "\u{feff}a", "😀", &long,
    ] {
        let reply = server.post("/v1/links", &json!({"destination": "https://example.com/", "slug": slug})).send().await;
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

#[tokio::test]
async fn a_body_above_its_bound_is_refused_announced_or_not() {
    let server = Server::start().await;
    let pad = |bytes: usize| {
        let mut body = br#"{"destination": "https://example.com/"}"#.to_vec();
        body.resize(bytes, b' ');
        body
    };
    let chunked = |bytes: Vec<u8>| {
        let parts: Vec<_> = bytes.chunks(65_536).map(Bytes::copy_from_slice).map(Ok::<_, std::io::Error>).collect();
        Body::from_stream(stream::iter(parts))
    };
    let too_large = || (413, "PAYLOAD_TOO_LARGE".to_owned());
    assert_eq!(create(&server, pad(MIB)).await.status, 201, "1 MiB passes");
    assert_eq!(create(&server, chunked(pad(MIB))).await.status, 201);
    assert_eq!(create(&server, pad(MIB + 1)).await.fault(), too_large());
    assert_eq!(create(&server, chunked(pad(MIB + 1))).await.fault(), too_large());
    let announced = server.ask(Method::POST, "/v1/links").header("content-type", "application/json");
    assert_eq!(announced.header("content-length", "999999999999").send().await.fault(), too_large());

    let bulk = |body: Body| server.ask(Method::POST, "/v1/links/bulk").header("content-type", "application/json").body(body);
    assert_eq!(bulk(Body::from(pad(16 * MIB))).send().await.fault(), invalid(), "16 MiB are read, and lack `items`");
    assert_eq!(bulk(Body::from(pad(16 * MIB + 1))).send().await.fault(), too_large());
    assert_eq!(bulk(chunked(pad(16 * MIB + 1))).send().await.fault(), too_large());
    let path = server.make_slug("spring").await;
    let patch = server.patch(&path, &Value::Null).body(pad(MIB + 1));
    assert_eq!(patch.send().await.fault(), too_large());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_malformed() {
    let server = Server::start().await;
    let parts = [Ok(Bytes::from_static(b"{\"destination\"")), Err(std::io::Error::other("reset"))];
    assert_eq!(create(&server, Body::from_stream(stream::iter(parts))).await.fault(), malformed());
}

#[tokio::test]
async fn only_plain_json_is_read() {
    let server = Server::start().await;
    let body = r#"{"destination": "https://example.com/"}"#;
    let ask = |kind: &str| {
        let asking = server.ask(Method::POST, "/v1/links").body(body);
        if kind.is_empty() { asking } else { asking.header("content-type", kind) }
    };
    for kind in ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
        "application/merge-patch+json", "application/jsonp", "json", "*/*", "application/json2"]
    {
        let reply = ask(kind).send().await;
        assert_eq!(reply.fault(), (415, "UNSUPPORTED_MEDIA_TYPE".into()), "{kind}");
        assert_eq!(reply.header("accept-post"), "application/json", "{kind}");
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/json;x=y"] {
        assert_eq!(ask(kind).send().await.status, 201, "{kind}");
    }
    for encoding in ["gzip", "br", "deflate", "identity, gzip", "nonsense"] {
        let reply = ask("application/json").header("content-encoding", encoding).send().await;
        assert_eq!((reply.fault(), reply.header("accept-encoding")), ((415, "UNSUPPORTED_MEDIA_TYPE".into()), "identity"));
    }
    let path = server.make_slug("spring").await;
    let reply = server.ask(Method::PATCH, &path).header("content-type", "application/json-patch+json").body("[]").send().await;
    assert_eq!(reply.fault(), (415, "UNSUPPORTED_MEDIA_TYPE".into()));
    assert_eq!(reply.header("accept-patch"), "application/merge-patch+json, application/json");
}

#[tokio::test]
async fn a_cursor_that_is_not_of_this_listing_is_refused() {
    let server = Server::start().await;
    for slug in ["a", "b", "c"] {
        server.make_slug(slug).await;
    }
    server.run_engines().await;
    let page = server.get("/v1/links?limit=1").send().await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let flipped: String = cursor.chars().rev().collect();
    let event = server.get("/v1/events?limit=1").send().await.json()["next_cursor"].as_str().unwrap().to_owned();
    let long = "A".repeat(4_000);
    for forged in ["x", "%00", "AAAA", &flipped, &cursor[1..], &format!("{cursor}A"), &event, &long, "null", "-1", "../../etc"] {
        let reply = server.get(&format!("/v1/links?limit=1&cursor={forged}")).send().await;
        assert_eq!((reply.fault(), reply.faulty()), ((400, "INVALID_CURSOR".into()), vec!["query.cursor".into()]), "{forged:.40}");
    }
    for other in ["sort=slug", "tag=x", "q=a", "domain=go.example", "destination=https://example.com/", "created_after=2020-01-01T00:00:00Z"] {
        let reply = server.get(&format!("/v1/links?cursor={cursor}&{other}")).send().await;
        assert_eq!(reply.code(), "INVALID_CURSOR", "a cursor without {other}");
    }
    let stranger = server.issue("other", "*").await;
    for path in [format!("/v1/links?limit=1&cursor={cursor}"), format!("/v1/events?cursor={event}")] {
        assert_eq!(server.get(&path).key(&stranger).send().await.code(), "INVALID_CURSOR", "foreign: {path}");
    }
    assert_eq!(server.get(&format!("/v1/events?cursor={cursor}")).send().await.code(), "INVALID_CURSOR");
}

#[tokio::test]
async fn query_parameters_are_read_strictly() {
    let server = Server::start().await;
    for (query, faulty) in [
        ("limit=0", "query.limit"), ("limit=-1", "query.limit"), ("limit=abc", "query.limit"), ("limit=", "query.limit"),
        ("limit=1.5", "query.limit"), ("limit=+1", "query.limit"), ("limit=0x10", "query.limit"), ("limit=%D9%A1", "query.limit"),
        ("sort=price", "query.sort"), ("sort=", "query.sort"), ("tag=", "query.tag"), ("domain=x.example", "query.domain"),
        ("destination=javascript:x", "query.destination"), ("created_after=yesterday", "query.created_after"),
        ("created_before=1", "query.created_before"), ("q=", "query.q"), ("colour=red", "query.colour"), ("limit=1&limit=1", "query.limit"),
    ] {
        let reply = server.get(&format!("/v1/links?{query}")).send().await;
        assert_eq!((reply.fault(), reply.faulty()), (invalid(), vec![faulty.to_owned()]), "{query}");
    }
    for path in ["/v1/links?a=1&b=2&limit=0", "/v1/events?a=1&b=2&limit=0"] {
        assert_eq!(server.get(path).send().await.faulty(), ["query.a", "query.b", "query.limit"]);
    }
}

#[tokio::test]
async fn ids_that_are_none_are_not_there() {
    let server = Server::start().await;
    for id in ["x", "lnk_", "lnk_0", "evt_01JD3X8M2V7Q5T9B4C6E8G0HJK", "lnk_zzzzzzzzzzzzzzzzzzzzzzzzzz", "..", "%00", "lnk_01JD3X8M2V7Q5T9B4C6E8G0HJK", "1%27%20OR%201=1"] {
        for method in [Method::GET, Method::DELETE] {
            let reply = server.ask(method, &format!("/v1/links/{id}")).send().await;
            assert_eq!(reply.fault(), (404, "NOT_FOUND".into()), "{id}");
        }
    }
    assert_eq!(server.get("/v1/links/nonsense").send().await.faulty(), ["path.id"]);
}
