//! Bodies: broken, ambiguous, too deep, too large, of a foreign type.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use serde_json::Value;

use super::{create, invalid, malformed};
use crate::harness::Server;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn text_that_is_not_json_is_malformed() {
    let server = Server::start().await;
    let whole = r#"{"destination": "https://example.com/", "tags": ["a", "b"], "max_clicks": 10}"#;
    for end in 0..whole.len() {
        assert_eq!(create(&server, &whole[..end]).await.fault(), malformed(), "cut after {end}");
    }
    for text in [
        "nonsense",
        "{'destination': 1}",
        "{\"a\": 1,}",
        "[1,]",
        "{\"a\" 1}",
        "NaN",
        "{\"a\": Infinity}",
        "{\"a\": 01}",
        "{\"a\": 1e400}",
        "{\"a\": \"\u{1}\"}",
        "{} {}",
        "{}x",
        "\u{feff}{}",
        r#"{"a": "\ud800"}"#,
        r#"{"a": "\x"}"#,
        "// x\n{}",
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
    for bytes in [
        &b"{\"destination\": \"https://example.com/\xff\"}"[..],
        b"\xff\xfe{}",
        b"{\"\xc3\x28\": 1}",
        b"{\"a\": \"\xed\xa0\x80\"}",
    ] {
        assert_eq!(create(&server, Bytes::from_static(bytes)).await.fault(), malformed(), "{bytes:?}");
    }
    for path in [
        "/v1/links/%ff",
        "/v1/links/%C3%28/stats",
        "/docs/errors/%ff",
        "/v1/links?q=%ff",
        "/v1/links?%ff=1",
        "/v1/events?types=%80",
    ] {
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

    let bulk =
        |body: Body| server.ask(Method::POST, "/v1/links/bulk").header("content-type", "application/json").body(body);
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
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/merge-patch+json",
        "application/jsonp",
        "json",
        "*/*",
        "application/json2",
    ] {
        let reply = ask(kind).send().await;
        assert_eq!(reply.fault(), (415, "UNSUPPORTED_MEDIA_TYPE".into()), "{kind}");
        assert_eq!(reply.header("accept-post"), "application/json", "{kind}");
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/json;x=y"] {
        assert_eq!(ask(kind).send().await.status, 201, "{kind}");
    }
    for encoding in ["gzip", "br", "deflate", "identity, gzip", "nonsense"] {
        let reply = ask("application/json").header("content-encoding", encoding).send().await;
        assert_eq!(
            (reply.fault(), reply.header("accept-encoding")),
            ((415, "UNSUPPORTED_MEDIA_TYPE".into()), "identity")
        );
    }
    let path = server.make_slug("spring").await;
    let reply =
        server.ask(Method::PATCH, &path).header("content-type", "application/json-patch+json").body("[]").send().await;
    assert_eq!(reply.fault(), (415, "UNSUPPORTED_MEDIA_TYPE".into()));
    assert_eq!(reply.header("accept-patch"), "application/merge-patch+json, application/json");
}
