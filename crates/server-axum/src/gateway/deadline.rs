//! How long a request may take in all: from its head to the head of the answer, reading the body included.
//!
//! A total, not an idle time: a body that comes one byte a second is cut too. Whose fault it was decides the code: 408 if
//! the handler was waiting for the body, 504 if it was working.
//!
//! The answer's body has a time of its own, from its head on, so that a reader who takes one byte a minute does not hold a
//! place for ever: it is cut off. That is for [unary](super::routes::Kind::Unary) routes. Of a stream and an upgrade only
//! the way to the answer's head is timed, and what comes then lasts as long as it lasts, unless its reader takes nothing
//! for a while: then the [server](crate::serve) cuts the connection. A body that lies in memory is
//! handed to the connection at once and costs no place; there the [server](crate::serve) cuts who does not read.
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

use std::future::{Future, Pending};
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
use tokio::time::Timeout;
use waypost_core::wire::v1::ErrorCode;

use super::metrics::names;
use super::routes::{self, Kind, Route};
use crate::error::ApiError;

/// The time for a request, unless its route has [its own](super::routes::Route::with_time_limit), and for its answer.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    request: Duration,
    answer: Duration,
}

impl Deadline {
    /// A deadline after `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { request: limit, ..Self::default() }
    }

    /// Cuts the body of a unary answer off so long after its head.
    #[must_use]
    pub fn with_answer(self, answer: Duration) -> Self {
        Self { answer, ..self }
    }
}

impl Default for Deadline {
    /// 30 s for the request (§12): longer than any honest upload of 16 MiB, shorter than most proxies' patience. 60 s for
    /// the answer: 16 MiB at 280 KiB a second.
    fn default() -> Self {
        Self { request: Duration::from_secs(30), answer: Duration::from_secs(60) }
    }
}

/// On a response: how long its body may take. A body that nobody asks for cannot end itself, so who drives the connection
/// looks here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due(pub(crate) Duration);

/// On a response: how long its reader may take nothing of what is there. For streams, whose bodies have no time in all. A
/// body that waits for its own source is not concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Still(pub(crate) Duration);

pin_project! {
    /// An answer's body that ends in an error when its time is over.
    struct Bounded {
        #[pin]
        body: Body,
        #[pin]
        timer: Timeout<Pending<()>>,
    }
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        if this.timer.poll(cx).is_ready() {
            metrics::counter!(names::ANSWERS_CUT).increment(1);
            return Poll::Ready(Some(Err(axum::Error::new(TooSlow))));
        }
        this.body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The answer took longer than it may.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer was not read in time")]
struct TooSlow;

fn bound(response: Response, limit: Duration) -> Response {
    if response.body().is_end_stream() {
        return response;
    }
    let timer = tokio::time::timeout(limit, std::future::pending());
    let mut response = response.map(|body| Body::new(Bounded { body, timer }));
    response.extensions_mut().insert(Due(limit));
    response
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
pub async fn enforce(State(deadline): State<Deadline>, request: Request, next: Next) -> Response {
    let route = routes::of(&request);
    let own = route.and_then(|route| route.time_limit());
    let limit = own.unwrap_or(deadline.request);
    let kind = route.map_or(Kind::Unary, |route| Route::kind(route));
    let waiting = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| match body.is_end_stream() {
        true => body,
        false => Body::new(Noted { body, waiting: waiting.clone() }),
    });
    match tokio::time::timeout(limit, next.run(request)).await {
        // A route that has longer for its request has as long for its answer.
        Ok(response) if kind == Kind::Unary => bound(response, deadline.answer.max(own.unwrap_or_default())),
        Ok(mut response) => {
            response.extensions_mut().get_or_insert_with(|| Still(deadline.answer));
            response
        }
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
    use futures_util::StreamExt;
    use http_body_util::BodyExt;
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

    /// A chunk a second, for ever.
    fn endless() -> Body {
        Body::from_stream(futures_util::stream::repeat(()).then(|()| async {
            let _ = tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
            Ok::<_, std::convert::Infallible>(Bytes::from_static(b"x"))
        }))
    }

    /// How many chunks come, up to so many; and whether the end was an error.
    async fn chunks(path: &str, most: usize) -> (usize, bool) {
        let table = [("/unary", Kind::Unary), ("/stream", Kind::Stream), ("/upgrade", Kind::Upgrade)];
        let table: RouteTable =
            table.into_iter().map(|(path, kind)| Route::new(path, [http::Method::POST]).with_kind(kind)).collect();
        let app = Router::new()
            .route(
                "/silent",
                post(|| async { Body::from_stream(futures_util::stream::pending::<Result<Bytes, axum::Error>>()) }),
            )
            .fallback(|| async { endless() })
            .layer(middleware::from_fn_with_state(Deadline::default(), enforce))
            .layer(middleware::from_fn_with_state(table, routes::resolve));
        let mut body = app.oneshot(Request::post(path).body(Body::empty()).unwrap()).await.unwrap().into_body();
        for count in 0..most {
            match body.frame().await {
                Some(Ok(_)) => {}
                Some(Err(_)) => return (count, true),
                None => return (count, false),
            }
        }
        (most, false)
    }

    #[tokio::test(start_paused = true)]
    async fn a_route_with_more_time_than_answers_have_keeps_it_to_the_last_byte() {
        let table: RouteTable =
            [Route::new("/long", [http::Method::POST]).with_time_limit(Duration::from_secs(300))].into_iter().collect();
        let app = Router::new()
            .route("/long", post(|| async { endless() }))
            .layer(middleware::from_fn_with_state(Deadline::default(), enforce))
            .layer(middleware::from_fn_with_state(table, routes::resolve));
        let mut body = app.oneshot(Request::post("/long").body(Body::empty()).unwrap()).await.unwrap().into_body();
        let mut count = 0;
        while body.frame().await.expect("an error, not an end").is_ok() {
            count += 1;
        }
        assert!((298..=300).contains(&count), "{count}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_unary_answer_ends_in_time_and_a_stream_when_it_likes() {
        let (count, is_cut) = chunks("/unary", 500).await;
        assert!(is_cut && (58..=60).contains(&count), "{count}");
        assert_eq!(chunks("/silent", 500).await, (0, true), "one that says nothing, too");
        assert_eq!(chunks("/stream", 500).await, (500, false));
        assert_eq!(chunks("/upgrade", 500).await, (500, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_comes_back_too_late_finds_the_answer_cut() {
        let app = Router::new()
            .route(
                "/",
                post(|| async { Body::from_stream(futures_util::stream::iter([Ok::<_, axum::Error>("a"), Ok("b")])) }),
            )
            .layer(middleware::from_fn_with_state(Deadline::default().with_answer(Duration::from_secs(5)), enforce));
        let mut body = app.oneshot(Request::post("/").body(Body::empty()).unwrap()).await.unwrap().into_body();
        assert!(body.frame().await.unwrap().is_ok());
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(body.frame().await.unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_route_may_have_its_own_deadline() {
        assert_eq!(status("/held", Body::empty()).await, 200);
    }
}
