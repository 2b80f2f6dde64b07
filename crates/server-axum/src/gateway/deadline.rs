//! How long a request may take in all: from its head to the head of the answer, reading the body included.
//!
//! A total, not an idle time: a body that comes one byte a second is cut too. Whose fault it was decides the code: 408 if
//! the handler was waiting for the body, 504 if it was working. What streams afterwards is not covered.
//!
//! The handler is dropped at whatever `await` it stands. Work that must not stop half-way runs in one transaction or in
//! a task of its own.
//!
//! Alone, on a foreign axum router:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::deadline::{self, Deadline};
//!
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(Deadline::default(), deadline::enforce));
//! ```

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use waypost_core::wire::v1::ErrorCode;

use super::routes;
use crate::error::ApiError;

/// The time for a request, unless its route has [its own](super::routes::Route::with_time_limit).
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Duration);

impl Deadline {
    /// A deadline after `limit`.
    pub fn new(limit: Duration) -> Self {
        Self(limit)
    }
}

impl Default for Deadline {
    /// 30 s (§12): longer than any honest upload of 16 MiB, shorter than most proxies' patience.
    fn default() -> Self {
        Self(Duration::from_secs(30))
    }
}

pin_project! {
    /// A request's body that notes whether its reader waits for it.
    struct Noted {
        #[pin]
        body: Body,
        waiting: Arc<AtomicBool>,
    }
}

impl HttpBody for Noted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        this.waiting.store(polled.is_pending(), Ordering::Relaxed);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Answers for a handler that has not answered in time.
pub async fn enforce(State(Deadline(limit)): State<Deadline>, request: Request, next: Next) -> Response {
    let limit = routes::of(&request).and_then(|route| route.time_limit()).unwrap_or(limit);
    let waiting = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| match body.is_end_stream() {
        true => body,
        false => Body::new(Noted { body, waiting: waiting.clone() }),
    });
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) if waiting.load(Ordering::Relaxed) => {
            ApiError::of(ErrorCode::RequestTimeout).with_reason("the body came too slowly").into_response()
        }
        Err(_) => ApiError::of(ErrorCode::UpstreamTimeout).with_reason("the handler took too long").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::post;
    use axum::{Router, middleware};
    use tower::ServiceExt;

    use super::*;
    use crate::gateway::routes::{Route, RouteTable};

    fn app() -> Router {
        let table: RouteTable =
            [Route::new("/held", [http::Method::POST]).with_time_limit(Duration::from_secs(90))].into_iter().collect();
        let slow =
            || async { tokio::time::timeout(Duration::from_secs(60), std::future::pending::<()>()).await.is_err() };
        let slow = move || async move { slow().await.to_string() };
        Router::new()
            .route("/read", post(|body: Bytes| async move { body }))
            .route("/slow", post(slow))
            .route("/held", post(slow))
            .layer(middleware::from_fn_with_state(Deadline::default(), enforce))
            .layer(middleware::from_fn_with_state(table, routes::resolve))
    }

    async fn status(path: &str, body: Body) -> u16 {
        app().oneshot(Request::post(path).body(body).unwrap()).await.unwrap().status().as_u16()
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_is_408_and_a_slow_handler_504() {
        // A frame each second: no idle time-out would ever see it.
        let drip = futures_util::stream::unfold((), |()| async {
            let _ = tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
            Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b"x")), ()))
        });
        assert_eq!(status("/read", Body::from_stream(drip)).await, 408);
        assert_eq!(status("/slow", Body::from("all of it")).await, 504);
        assert_eq!(status("/slow", Body::empty()).await, 504);
        assert_eq!(status("/read", Body::from("all of it")).await, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_route_may_have_its_own_deadline() {
        assert_eq!(status("/held", Body::empty()).await, 200);
    }
}
