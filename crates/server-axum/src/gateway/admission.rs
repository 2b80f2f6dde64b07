//! How many requests may be in flight; above that, 503 at once.
//!
//! Refusing early and cheaply keeps the ones that were admitted fast; a queue would make all of them late. The permit is
//! held until the response's *body* has ended or was given up, since a slow reader costs as much as a slow handler.
//! (tower's `ConcurrencyLimit` queues, and frees its permit at the response's head.)
//!
//! Within the layers that only look at the head, so that a preflight or a refusal takes no permit.
//!
//! Alone, on a foreign axum router:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::admission::{self, Admission};
//!
//! let admission = Admission::new(512);
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(admission, admission::admit));
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use waypost_core::wire::v1::ErrorCode;

use super::routes;
use super::watched::{Watch, Watched};
use crate::error::ApiError;

/// Counts what is in flight; clones share the count.
#[derive(Clone, Debug)]
pub struct Admission {
    cap: usize,
    in_flight: Arc<AtomicUsize>,
}

impl Default for Admission {
    /// 1,024: with bodies of at most 1 MiB, what a small machine can still hold in memory.
    fn default() -> Self {
        Self::new(1_024)
    }
}

impl Admission {
    /// Admits up to `cap` at once.
    pub fn new(cap: usize) -> Self {
        Self { cap, in_flight: Arc::default() }
    }

    /// A permit, or `None` at once. Two atomic operations: the redirect's path calls it too.
    pub fn try_enter(&self) -> Option<Permit> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(self.in_flight.clone());
        // Above the cap the permit is dropped here, which takes the count back.
        (before < self.cap).then_some(permit)
    }

    /// How many are in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The answer above the cap.
    pub fn refusal() -> ApiError {
        ApiError::new(ErrorCode::Unavailable, "The server is at its limit of requests in flight")
            .with_retry_after(Duration::from_secs(1))
            .with_reason("too many requests in flight")
    }
}

/// A place among those in flight, given back when it is dropped.
#[derive(Debug)]
pub struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Watch for Permit {}

/// Lets a request in or refuses it.
pub async fn admit(State(admission): State<Admission>, request: Request, next: Next) -> Response {
    if routes::of(&request).is_some_and(|route| route.is_probe()) {
        return next.run(request).await;
    }
    match admission.try_enter() {
        Some(permit) => Watched::wrap(next.run(request).await, permit),
        None => Admission::refusal().into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use axum::routing::get;
    use axum::{Router, middleware};
    use futures_util::{StreamExt, stream};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn the_permit_is_held_until_the_body_ends_or_is_dropped() {
        let admission = Admission::new(1);
        let chunks = || stream::iter([b"a", b"b"]).map(|part| Ok::<_, std::io::Error>(Bytes::from_static(part)));
        let app = Router::new()
            .route("/", get(move || async move { Body::from_stream(chunks()) }))
            .layer(middleware::from_fn_with_state(admission.clone(), admit));
        let ask = || app.clone().oneshot(Request::get("/").body(Body::empty()).unwrap());

        let mut first = ask().await.unwrap();
        assert!(first.body_mut().frame().await.is_some());
        assert_eq!(admission.in_flight(), 1, "the head is out, the body is not");
        let refused = ask().await.unwrap();
        assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
        assert_eq!(admission.in_flight(), 1, "a refusal takes no place");

        assert!(first.body_mut().frame().await.is_some());
        assert!(first.body_mut().frame().await.is_none());
        assert_eq!(admission.in_flight(), 0, "ended, though the response is still there");

        drop(ask().await.unwrap());
        assert_eq!(admission.in_flight(), 0, "given up");
    }

    #[tokio::test]
    async fn a_caller_that_leaves_frees_its_place() {
        let admission = Admission::new(1);
        let app = Router::new()
            .route("/", get(std::future::pending::<()>))
            .layer(middleware::from_fn_with_state(admission.clone(), admit));
        let mut held = Box::pin(app.oneshot(Request::get("/").body(Body::empty()).unwrap()));
        assert!(futures_util::poll!(&mut held).is_pending());
        assert_eq!(admission.in_flight(), 1);
        drop(held);
        assert_eq!(admission.in_flight(), 0);
    }
}
