//! What the chain adds to answers.

use super::*;

#[tokio::test]
async fn ids_and_addresses_are_believed_only_in_their_place() {
    let app = app();
    let (_, headers, _) = app.ask("GET", "/v1/links", &[("x-request-id", "mine-1.2_3")], "").await;
    assert_eq!(headers["x-request-id"], "mine-1.2_3");
    let (_, headers, _) = app.ask("GET", "/v1/links", &[("x-request-id", "a b")], "").await;
    assert!(headers["x-request-id"].to_str().unwrap().starts_with("req_"));
    let forwarded = [("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.2.2.2")];
    let (_, _, client) = app.ask("GET", "/v1/links/lnk_1", &forwarded, "").await;
    assert_eq!(client, "203.0.113.9");
}

#[tokio::test]
async fn options_and_preflights_come_from_the_table() {
    let app = app();
    let (status, headers, body) = app.ask("OPTIONS", "/v1/links", &[], "").await;
    assert_eq!(
        (status, body.as_str(), &headers["allow"]),
        (StatusCode::NO_CONTENT, "", &"GET, HEAD, POST, OPTIONS".parse().unwrap())
    );
    assert!(!headers.contains_key("access-control-allow-origin"));
    app.refused("OPTIONS", "/nothing", &[], "", ErrorCode::NotFound).await;

    let preflight = |origin: &'static str| [("origin", origin), ("access-control-request-method", "POST")];
    let (status, headers, _) = app.ask("OPTIONS", "/v1/links", &preflight("https://app.example"), "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(headers["access-control-allow-methods"], "GET, HEAD, POST, OPTIONS");
    assert_eq!(headers["access-control-max-age"], "600");
    assert!(headers["access-control-allow-headers"].to_str().unwrap().contains("Idempotency-Key"));
    for origin in ["null", "https://app.example.evil", "http://app.example"] {
        let (status, headers, _) = app.ask("OPTIONS", "/v1/links", &preflight(origin), "").await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        assert!(headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{origin}");
    }
    let headers = app.refused("OPTIONS", "/nothing", &preflight("https://app.example"), "", ErrorCode::NotFound).await;
    assert!(!headers.contains_key("access-control-allow-methods"));
    let headers = app.refused("GET", "/panic", &[("origin", "https://app.example")], "", ErrorCode::Internal).await;
    assert_eq!(headers["access-control-allow-origin"], "https://app.example", "pages can read errors");
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    assert!(["X-RateLimit-Reset", "Retry-After", "ETag", "Sunset"].iter().all(|name| exposed.contains(name)));
}

#[tokio::test]
async fn farewell_is_said_on_every_answer_and_kept() {
    let app = app();
    for (headers, status) in [(&[][..], 200), (&[("x-limited", "1")][..], 429)] {
        let (got, headers, _) = app.ask("GET", "/old", headers, "").await;
        assert_eq!(got.as_u16(), status);
        assert_eq!(headers["deprecation"], "@1767225600");
        assert_eq!(headers["sunset"], "Tue, 01 Sep 2026 00:00:00 GMT");
        assert_eq!(headers["link"], "<https://x.example/why>; rel=\"deprecation\"");
    }
    app.clock.advance(Duration::from_secs(92 * 86_400));
    let (status, headers, text) = app.ask_past("/old").await;
    assert_eq!((status.as_u16(), text.contains("\"GONE\"")), (410, true));
    assert_eq!(headers["sunset"], "Tue, 01 Sep 2026 00:00:00 GMT");
    let usage = app.farewell.usage();
    assert_eq!((usage.len(), usage[0].calls, &*usage[0].route), (1, 3, "/old"));
}
