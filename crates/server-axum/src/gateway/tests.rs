//! The whole chain, around a small router.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use http_body_util::BodyExt;
use tower::ServiceExt;
use waypost_core::clock::{Clock, ManualClock};
use waypost_core::entropy::SeededEntropy;
use waypost_core::limits::{Algorithm, Policy};
use waypost_core::wire::v1::{ErrorBody, ErrorCode};
use waypost_core::{Error, Kind};

use super::context::{ContextSource, RequestContext};
use super::deprecation::Deprecation;
use super::envelope::Rendered;
use super::rate_headers::RateLedger;
use super::routes::{Route, RouteTable};
use super::*;
use crate::error::ApiError;

struct App {
    router: Router,
    clock: ManualClock,
    admission: admission::Admission,
    farewell: deprecation::Farewell,
}

fn app() -> App {
    let clock = ManualClock::new("2026-06-01T00:00:00Z".parse().unwrap());
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let proxies = client_address::TrustedProxies::parse(["10.0.0.0/8"]).unwrap();
    let going = Deprecation::new("2026-01-01T00:00:00Z".parse().unwrap(), "https://x.example/why").unwrap();
    let going = going.with_sunset("2026-09-01T00:00:00Z".parse().unwrap()).unwrap();
    let routes: RouteTable = [
        Route::new("/v1/links", [Method::GET, Method::POST]),
        Route::new("/v1/links/{id}", [Method::GET]),
        Route::new("/old", [Method::GET]).deprecated(going),
    ]
    .into_iter()
    .collect();
    let router = Router::new()
        .route("/v1/links", get(|| async { "list" }).post(|body: Bytes| async move { body }))
        .route("/v1/links/{id}", get(|context: axum::Extension<RequestContext>| async move { context.client().to_string() }))
        .route("/old", get(|| async { "old" }))
        .route("/panic", get(|| async { if true { panic!("secret {}", 7) } }))
        .route("/fault", get(|| async { Err::<(), _>(ApiError::from(Error::internal(std::io::Error::other("disk")))) }))
        .route("/json", post(|Json(_): Json<serde_json::Value>| async {}))
        .route("/stored", get(|| async { (StatusCode::CONFLICT, axum::Extension(Rendered), "kept") }))
        .route("/mute", get(|| async { StatusCode::IM_A_TEAPOT }))
        .route("/pending", get(|| std::future::pending::<()>()))
        .layer(DefaultBodyLimit::max(16));
    let (admission, farewell) = (admission::Admission::new(2), deprecation::Farewell::new(shared.clone()));
    let chain = Chain {
        context: ContextSource::new(proxies, shared, Arc::new(SeededEntropy::new(1))),
        routes,
        envelope: envelope::Envelope::new("https://links.example/"),
        farewell: farewell.clone(),
        cors: cors::Cors::new(["https://app.example"]).unwrap(),
        head_limits: head_limits::HeadLimits::default(),
        admission: admission.clone(),
        deadline: deadline::Deadline::default(),
    };
    let limit = middleware::from_fn(|request: Request, next: middleware::Next| async move {
        let policy = Policy::new("address", Algorithm::FixedWindow, 9, Duration::from_secs(60)).unwrap();
        let (_, decision) = policy.decide(None, 1, "2026-06-01T00:00:00Z".parse().unwrap());
        request.extensions().get::<RateLedger>().unwrap().note(policy, decision);
        if request.headers().contains_key("x-limited") {
            return ApiError::of(ErrorCode::RateLimited).into_response();
        }
        next.run(request).await
    });
    App { router: stack_with(router, chain, limit), clock, admission, farewell }
}

impl App {
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &'static str) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(if body.is_empty() { Body::empty() } else { Body::from(body) }).unwrap();
        request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from(([10, 0, 0, 1], 9))));
        let response: Response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        assert!(parts.headers.contains_key("x-request-id"), "{method} {path}");
        assert_eq!(parts.headers["x-content-type-options"], "nosniff", "{method} {path}");
        assert_eq!(parts.headers["ratelimit"], "\"address\";r=8;t=60", "{method} {path}");
        assert!(parts.headers.get_all("vary").iter().any(|vary| vary == "Origin") || parts.status == 429);
        (parts.status, parts.headers, text)
    }

    /// Asks for something that fails, and checks the shape of the failure.
    async fn refused(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &'static str, code: ErrorCode) -> HeaderMap {
        let (status, headers, text) = self.ask(method, path, headers, body).await;
        let error = serde_json::from_str::<ErrorBody>(&text).unwrap_or_else(|_| panic!("{method} {path}: {text}")).error;
        assert_eq!((status.as_u16(), error.code.as_str()), (code.status(), code.as_str()), "{method} {path}");
        assert_eq!(headers["x-request-id"], error.request_id);
        assert_eq!(error.documentation_url, format!("https://links.example/docs/errors/{code}"));
        assert_eq!((&headers["content-type"], &headers["cache-control"]), (&"application/json".parse().unwrap(), &"no-store".parse().unwrap()));
        assert_eq!(headers["content-length"], text.len().to_string());
        assert!(!text.contains("secret") && !text.contains("disk"), "{text}");
        headers
    }
}

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
    assert_eq!((status, body.as_str(), &headers["allow"]), (StatusCode::NO_CONTENT, "", &"GET, HEAD, POST, OPTIONS".parse().unwrap()));
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

impl App {
    /// Asks without the checks that hold only for what reaches the limiter.
    async fn ask_past(&self, path: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, String::from_utf8(text.to_vec()).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn overload_is_refused_at_once_and_a_preflight_is_not() {
    let app = app();
    let ask = |path: &'static str| app.router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap());
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

/// What a subscriber wrote, line by line.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_request_is_one_line_with_its_reason_and_without_its_query() {
    let written = Written::default();
    let target = written.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || target.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let app = app();
    app.ask("GET", "/v1/links?token=secret", &[("x-request-id", "a1")], "").await;
    app.ask("GET", "/panic", &[], "").await;
    app.ask("GET", "/mute", &[], "").await;
    let left = app.router.clone().oneshot(Request::get("/pending").body(Body::empty()).unwrap());
    assert!(futures_util::poll!(Box::pin(left)).is_pending());
    drop(guard);

    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines: Vec<_> = lines.iter().filter(|line| line["target"] == access_log::TARGET).collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(!text.contains("token"));
    let field = |at: usize, name: &str| lines[at]["fields"][name].clone();
    assert_eq!((lines[0]["level"].as_str(), field(0, "route"), field(0, "bytes")), (Some("INFO"), "/v1/links".into(), 4.into()));
    assert_eq!((field(0, "path"), field(0, "request_id"), field(0, "client")), ("/v1/links".into(), "a1".into(), "10.0.0.1".into()));
    assert_eq!((lines[1]["level"].as_str(), field(1, "code"), field(1, "route")), (Some("ERROR"), "INTERNAL".into(), "unmatched".into()));
    assert_eq!(field(1, "reason"), "panicked: secret 7");
    assert_eq!(field(2, "reason"), "answered with a bare 418");
    assert_eq!(field(3, "status"), 499);
}
