//! The layer on a foreign router, with claims in memory.

mod answers;
mod requests;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::stream;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;
use waypost_adapters::memory::MemoryStore;
use waypost_core::clock::SystemClock;
use waypost_core::entropy::OsEntropy;
use waypost_core::idempotency::{Idempotency, IdempotencyOptions};
use waypost_core::ids::WorkspaceId;

use super::IdempotencyLayer;
use crate::gateway::catch_panic;

/// Whose request it is.
#[derive(Clone, Copy)]
struct Tenant(u128);

fn layer() -> IdempotencyLayer {
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let store = Arc::new(MemoryStore::default());
    let idempotency = Idempotency::new(store, clock, entropy, IdempotencyOptions::default());
    IdempotencyLayer::new(idempotency, |head| {
        let Tenant(id) = head.extensions.get()?;
        Some(WorkspaceId::from_bytes(id.to_be_bytes()))
    })
}

/// A router that answers every path with what `handler` makes, behind `layer`; and how often it did.
fn served<F, R>(layer: IdempotencyLayer, handler: F) -> (Router, Arc<AtomicUsize>)
where
    F: Fn(usize) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response> + Send,
{
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let handle = move |_: Bytes| async move { handler(counted.fetch_add(1, Ordering::SeqCst)).await };
    let router = Router::new().fallback(any(handle)).layer(layer);
    (router.layer(catch_panic::layer()), runs)
}

fn asked(method: Method, uri: &str, key: &str, body: impl Into<Body>) -> Request {
    let request = Request::builder().method(method).uri(uri);
    let request = request.extension(Tenant(1)).header("idempotency-key", key);
    request.body(body.into()).expect("a request")
}

fn keyed(key: &str, body: impl Into<Body>) -> Request {
    asked(Method::POST, "/orders", key, body)
}

/// A body that comes in pieces.
fn streamed<const N: usize>(pieces: [&'static str; N]) -> Body {
    Body::from_stream(stream::iter(pieces.map(Ok::<_, axum::Error>)))
}

async fn answer(router: &Router, request: Request) -> (StatusCode, HeaderMap, Bytes) {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (head, body) = response.into_parts();
    (head.status, head.headers, body.collect().await.expect("a whole body").to_bytes())
}

async fn status(router: &Router, request: Request) -> u16 {
    answer(router, request).await.0.as_u16()
}
