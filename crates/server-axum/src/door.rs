//! The door: follows are answered on the spot, everything else goes to the API.
//!
//! A follow from memory takes no lock that anyone holds for long, allocates next to nothing and never waits: look the
//! link up in the cache, write the click into the spool, answer. That is why it stands in front of the router and its
//! layers rather than behind them.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, StatusCode};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use waypost_core::Error;
use waypost_core::wire::v1::ErrorCode;

use crate::api::Own;
use crate::app::App;
use crate::error::ApiError;
use crate::follow::{Follow, Head, is_slug};
use crate::gateway::admission::Admission;
use crate::gateway::request_id::X_REQUEST_ID;
use crate::proxy::forward::forwarded::OverTls;
use crate::proxy::table::Table;

/// Everything that Waypost answers, as one tower and hyper service.
#[derive(Clone, Debug)]
pub struct Gateway {
    app: Arc<App>,
    own: Own,
    /// Swapped whole when the configuration changes; what is under way goes on with what it began with.
    serving: Arc<ArcSwap<Serving>>,
    admission: Admission,
    follow: Follow,
    api_on: Option<Handle>,
    peer: Option<SocketAddr>,
    is_over_tls: bool,
}

/// What the door leads to at this moment.
#[derive(Debug)]
struct Serving {
    api: axum::Router,
    table: Arc<Table>,
}

impl Gateway {
    /// The door to `app`, with all that it has of its own and nothing elsewhere.
    ///
    /// # Errors
    /// [`Kind::Invalid`](waypost_core::Kind::Invalid) for options that are none.
    pub fn new(app: Arc<App>) -> Result<Self, Error> {
        Self::with(app, Own::All, Arc::default())
    }

    /// The door to what `app` has of its own, and to the routes of `table`, which must have been checked against it.
    ///
    /// # Errors
    /// [`Kind::Invalid`](waypost_core::Kind::Invalid) for options that are none.
    pub fn with(app: Arc<App>, own: Own, table: Arc<Table>) -> Result<Self, Error> {
        let admission = Admission::new(app.options.most_in_flight);
        let admission = match app.options.most_in_flight_per_address {
            Some(most) => admission.with_per_address(most),
            None => admission,
        };
        let api = crate::api::api(&app, own, &table, admission.clone())?;
        let serving = Arc::new(ArcSwap::from_pointee(Serving { api, table }));
        Ok(Self {
            follow: Follow::new(app.clone()),
            app,
            own,
            serving,
            admission,
            api_on: None,
            peer: None,
            is_over_tls: false,
        })
    }

    /// The routes elsewhere, as they are at this moment.
    pub fn table(&self) -> Arc<Table> {
        self.serving.load().table.clone()
    }

    /// Puts other routes in place of those elsewhere, here and in all clones. Requests under way end as they began.
    ///
    /// # Errors
    /// [`Kind::Invalid`](waypost_core::Kind::Invalid) for options that are none; then nothing changes.
    pub fn replace(&self, table: Arc<Table>) -> Result<(), Error> {
        let api = crate::api::api(&self.app, self.own, &table, self.admission.clone())?;
        self.serving.store(Arc::new(Serving { api, table }));
        Ok(())
    }

    /// The door for one connection, whose other end is known.
    #[must_use]
    pub fn for_peer(&self, peer: SocketAddr) -> Self {
        Self { peer: Some(peer), ..self.clone() }
    }

    /// The same door, for connections that speak TLS: upstreams are told so.
    #[must_use]
    pub fn over_tls(self) -> Self {
        Self { is_over_tls: true, ..self }
    }

    /// The same door, with the API carried out on another runtime: the threads that answer follows then have nothing
    /// else to do, however long a call of the API takes.
    #[must_use]
    pub fn with_api_on(self, runtime: Handle) -> Self {
        Self { api_on: Some(runtime), ..self }
    }

    fn handle<B>(&self, request: Request<B>) -> Answering
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
    {
        let serving = self.serving.load();
        let path = request.uri().path();
        if self.own == Own::All && is_slug(path) && !serving.table.claims(path) {
            // A panic here would take the whole connection with it.
            let known = catch_unwind(AssertUnwindSafe(|| self.follow.known(Head::of(&request, self.peer))));
            return match known {
                Ok(Some(response)) => Answering::Done(Some(response)),
                Err(_) => Answering::Done(Some(self.follow.broken(Head::of(&request, self.peer)))),
                Ok(None) => {
                    let (follow, peer) = (self.follow.clone(), self.peer);
                    let (parts, _) = request.into_parts();
                    Answering::Waiting(Box::pin(async move {
                        let head = Head::from_parts(&parts, peer);
                        let answer = AssertUnwindSafe(follow.any(head)).catch_unwind().await;
                        answer.unwrap_or_else(|_| follow.broken(head))
                    }))
                }
            };
        }
        let mut request = request.map(Body::new);
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        if self.is_over_tls {
            request.extensions_mut().insert(OverTls);
        }
        let api = serving.api.clone();
        let answer = async move {
            let Ok(mut response) = tower::ServiceExt::oneshot(api, request).await;
            // The router says how long even a body is that there is none of (RFC 9110 §8.6).
            if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            response
        };
        // Where there are no follows to be held up, the way to another runtime and back would only cost.
        let Some(runtime) = self.api_on.as_ref().filter(|_| self.own == Own::All) else {
            return Answering::Waiting(Box::pin(answer));
        };
        // Aborted with the connection, as it would be if it ran here.
        let task = AbortOnDropHandle::new(runtime.spawn(answer));
        let gateway = self.clone();
        Answering::Waiting(Box::pin(async move { task.await.unwrap_or_else(|_| gateway.stopped()) }))
    }

    /// The answer when the runtime of the API is gone; its own layers answer for panics.
    fn stopped(&self) -> Response {
        let now = self.app.platform.clock.now();
        let tag = self.app.contexts.tag(&HeaderMap::new(), now);
        let error = ApiError::of(ErrorCode::Unavailable).with_reason("the runtime is stopping");
        let mut response = self.app.envelope.apply(error.into_response(), &Method::GET, tag.as_str());
        response.headers_mut().insert(X_REQUEST_ID, tag.into_header());
        response
    }
}

/// An answer that is there, or on its way.
pub enum Answering {
    /// It is there.
    Done(Option<Response>),
    /// It is on its way.
    Waiting(Pin<Box<dyn Future<Output = Response> + Send>>),
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Done(response) => Poll::Ready(Ok(response.take().unwrap_or_default())),
            Self::Waiting(future) => future.as_mut().poll(cx).map(Ok),
        }
    }
}

impl<B> tower::Service<Request<B>> for Gateway
where
    B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        self.handle(request)
    }
}

impl<B> hyper::service::Service<Request<B>> for Gateway
where
    B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<B>) -> Answering {
        self.handle(request)
    }
}
