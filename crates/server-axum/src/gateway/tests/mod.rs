//! The whole chain, around a small router.

mod answers;
mod faults;
mod log;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use http_body_util::BodyExt;
use tower::ServiceExt;
use waypost_core::Error;
use waypost_core::clock::{Clock, ManualClock};
use waypost_core::entropy::SeededEntropy;
use waypost_core::limits::{Algorithm, Policy};
use waypost_core::wire::v1::{ErrorBody, ErrorCode};

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
        .route(
            "/v1/links/{id}",
            get(|context: axum::Extension<RequestContext>| async move { context.client().to_string() }),
        )
        .route("/old", get(|| async { "old" }))
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("secret {}", 7)
                }
            }),
        )
        .route("/fault", get(|| async { Err::<(), _>(ApiError::from(Error::internal(std::io::Error::other("disk")))) }))
        .route("/json", post(|Json(_): Json<serde_json::Value>| async {}))
        .route("/stored", get(|| async { (StatusCode::CONFLICT, axum::Extension(Rendered), "kept") }))
        .route("/mute", get(|| async { StatusCode::IM_A_TEAPOT }))
        .route("/pending", get(std::future::pending::<()>))
        .layer(DefaultBodyLimit::max(16));
    let (admission, farewell) =
        (admission::Admission::new(2).with_per_address(2), deprecation::Farewell::new(shared.clone()));
    let chain = Chain {
        context: ContextSource::new(proxies, shared, Arc::new(SeededEntropy::new(1))),
        routes,
        hygiene: hygiene::Hygiene::default(),
        security: security_headers::SecurityHeaders::new("https://links.example/"),
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
    async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "links.example");
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
    async fn refused(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &'static str,
        code: ErrorCode,
    ) -> HeaderMap {
        let (status, headers, text) = self.ask(method, path, headers, body).await;
        let error =
            serde_json::from_str::<ErrorBody>(&text).unwrap_or_else(|_| panic!("{method} {path}: {text}")).error;
        assert_eq!((status.as_u16(), error.code.as_str()), (code.status(), code.as_str()), "{method} {path}");
        assert_eq!(headers["x-request-id"], error.request_id);
        assert_eq!(error.documentation_url, format!("https://links.example/docs/errors/{code}"));
        assert_eq!(
            (&headers["content-type"], &headers["cache-control"]),
            (&"application/json".parse().unwrap(), &"no-store".parse().unwrap())
        );
        assert_eq!(headers["content-length"], text.len().to_string());
        assert!(!text.contains("secret") && !text.contains("disk"), "{text}");
        headers
    }
}

impl App {
    /// Asks without the checks that hold only for what reaches the limiter.
    async fn ask_past(&self, path: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::get(path).header("host", "links.example").body(Body::empty()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, String::from_utf8(text.to_vec()).unwrap())
    }
}
