//! Requests: which have a key, whose it is, and what it stands for.

use super::*;

#[tokio::test]
async fn another_request_under_the_key_is_refused() {
    let (router, runs) = served(layer(), async |_| "done".into_response());
    let nested = Router::new().nest("/v1", router.clone()).nest("/v2", router);
    assert_eq!(status(&nested, asked(Method::POST, "/v1/orders?a=1", "k", "b")).await, 200);
    for (method, uri, body) in [
        (Method::POST, "/v1/orders?a=1", "c"),
        (Method::POST, "/v1/orders?a=2", "b"),
        (Method::POST, "/v1/order?a=1", "b"),
        (Method::POST, "/v2/orders?a=1", "b"),
        (Method::PATCH, "/v1/orders?a=1", "b"),
    ] {
        assert_eq!(status(&nested, asked(method.clone(), uri, "k", body)).await, 422, "{method} {uri} {body}");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_scope() {
    let (router, runs) = served(layer(), async |run| run.to_string().into_response());
    let mut foreign = keyed("k", "same");
    foreign.extensions_mut().insert(Tenant(2));
    let (own, _, body) = answer(&router, keyed("k", "same")).await;
    let (other, _, another) = answer(&router, foreign).await;
    assert_eq!((own, other), (StatusCode::OK, StatusCode::OK));
    assert_eq!((&body[..], &another[..], runs.load(Ordering::SeqCst)), (&b"0"[..], &b"1"[..], 2));

    let mut nobody = keyed("k", "same");
    nobody.extensions_mut().remove::<Tenant>();
    assert_eq!(status(&router, nobody).await, 401);
}

#[tokio::test]
async fn keys_that_are_not_well_formed_are_refused() {
    let (router, runs) = served(layer(), async |_| "done".into_response());
    for key in ["", "\"\"", "two words", "\"open", &"k".repeat(256)] {
        assert_eq!(status(&router, keyed(key, "")).await, 400, "{key:?}");
    }
    let mut twice = keyed("k", "");
    twice.headers_mut().append("idempotency-key", "k".parse().expect("a value"));
    assert_eq!(status(&router, twice).await, 400);
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_has_no_key_or_needs_none_passes_untouched() {
    let (router, runs) = served(layer().request_bound(1), async |_| "done".into_response());
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        assert_eq!(status(&router, asked(method, "/", "bad key", "larger")).await, 200);
    }
    for _ in 0..2 {
        let (status, headers, _) = answer(&router, Request::post("/").body("larger".into()).expect("a request")).await;
        assert!(status.is_success() && !headers.contains_key("idempotent-replayed"));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn a_request_beyond_the_bound_is_refused_and_its_key_stays_free() {
    let (router, runs) = served(layer().request_bound(4), async |_| "done".into_response());
    assert_eq!(status(&router, keyed("k", "five!")).await, 413);
    assert_eq!(status(&router, keyed("k", streamed(["fi", "ve", "!"]))).await, 413);
    let broken = stream::iter([Ok("f"), Err(std::io::Error::other("gone"))]);
    assert_eq!(status(&router, keyed("k", Body::from_stream(broken))).await, 400);
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    assert_eq!(status(&router, keyed("k", streamed(["fo", "ur"]))).await, 200);
    let (_, headers, _) = answer(&router, keyed("k", "four")).await;
    assert_eq!(headers["idempotent-replayed"], "true");
}

#[tokio::test]
async fn a_plain_tower_service_is_served_too() {
    let plain = tower::service_fn(async |request: http::Request<Body>| {
        let size = request.into_body().collect().await.expect("a body").to_bytes().len();
        Ok::<_, std::io::Error>(http::Response::new(http_body_util::Full::new(Bytes::from(size.to_string()))))
    });
    let service = tower::Layer::layer(&layer(), plain);
    let request = http::Request::post("/").header("idempotency-key", "k").extension(Tenant(1));
    let request = request.body(http_body_util::Full::new(Bytes::from_static(b"four"))).expect("a request");
    let response = service.oneshot(request).await.expect("an answer");
    assert_eq!(response.into_body().collect().await.expect("a body").to_bytes(), "4");
}
