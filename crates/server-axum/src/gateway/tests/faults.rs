//! Faults, whoever raises them.

use waypost_core::Kind;

use super::*;

#[tokio::test]
async fn every_fault_has_the_one_shape_whoever_raised_it() {
    let app = app();
    let long = format!("/{}", "a".repeat(9_000));
    let many: Vec<(String, String)> = (0..101).map(|at| (format!("x-{at}"), "v".into())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let json = [("content-type", "application/json")];
    app.refused("GET", "/nothing/here", &[], "", ErrorCode::NotFound).await;
    app.refused("GET", "/panic", &[], "", ErrorCode::Internal).await;
    app.refused("GET", "/fault", &[], "", ErrorCode::Internal).await;
    app.refused("POST", "/json", &json, "{", ErrorCode::MalformedRequest).await;
    app.refused("POST", "/json", &[], "{}", ErrorCode::UnsupportedMediaType).await;
    app.refused("POST", "/v1/links", &json, "more than sixteen bytes", ErrorCode::PayloadTooLarge).await;
    app.refused("GET", &long, &[], "", ErrorCode::UriTooLong).await;
    app.refused("GET", "/v1/links", &many, "", ErrorCode::HeadersTooLarge).await;
    app.refused("GET", "/mute", &[], "", ErrorCode::MalformedRequest).await;
    let limited = app.refused("GET", "/v1/links", &[("x-limited", "1")], "", ErrorCode::RateLimited).await;
    assert_eq!(limited["retry-after"], "1");
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = app();
    let headers = app.refused("DELETE", "/v1/links", &[], "", ErrorCode::MethodNotAllowed).await;
    assert_eq!(headers["allow"], "GET, HEAD, POST, OPTIONS");
    let headers = app.refused("BREW", "/v1/links/lnk_1", &[], "", ErrorCode::MethodNotAllowed).await;
    assert_eq!(headers["allow"], "GET, HEAD, OPTIONS");
    let headers = app.refused("TRACE", "/v1/links", &[], "", ErrorCode::MethodNotAllowed).await;
    assert_eq!(headers["allow"], "GET, HEAD, POST, OPTIONS");
}

#[tokio::test]
async fn head_has_gets_headers_and_no_body() {
    let app = app();
    let own = [("x-request-id", "same")];
    for path in ["/nothing", "/panic", "/fault", "/v1/links"] {
        let (status, of_get, body) = app.ask("GET", path, &own, "").await;
        let (head, of_head, nothing) = app.ask("HEAD", path, &own, "").await;
        assert_eq!((status, &of_get, nothing.as_str()), (head, &of_head, ""), "{path}");
        assert!(!body.is_empty());
    }
}

#[tokio::test]
async fn what_is_final_passes_untouched() {
    let (status, headers, text) = app().ask("GET", "/stored", &[], "").await;
    assert_eq!((status, text.as_str()), (StatusCode::CONFLICT, "kept"));
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/plain"));
}

#[tokio::test(start_paused = true)]
async fn overload_is_refused_at_once_and_a_preflight_is_not() {
    let app = app();
    let ask = |path: &'static str| {
        app.router.clone().oneshot(Request::get(path).header("host", "x").body(Body::empty()).unwrap())
    };
    let (mut one, mut two) = (Box::pin(ask("/pending")), Box::pin(ask("/pending")));
    assert!(futures_util::poll!(&mut one).is_pending() && futures_util::poll!(&mut two).is_pending());
    assert_eq!(app.admission.in_flight(), 2);
    let headers = app.refused("GET", "/v1/links", &[], "", ErrorCode::Unavailable).await;
    assert_eq!(headers["retry-after"], "1");
    assert_eq!(app.ask("OPTIONS", "/v1/links", &[], "").await.0, StatusCode::NO_CONTENT);
    drop(two);
    assert_eq!(app.ask("GET", "/v1/links", &[], "").await.0, StatusCode::OK);
    assert_eq!(one.await.unwrap().status(), StatusCode::GATEWAY_TIMEOUT, "after 30 s");
    assert_eq!(app.admission.in_flight(), 0);
}

#[tokio::test]
async fn not_every_kind_of_error_is_ours_to_blame() {
    let response = ApiError::from(Error::new(Kind::Timeout, "The store took too long")).into_response();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
}
