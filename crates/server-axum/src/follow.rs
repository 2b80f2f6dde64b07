//! The door: follows are answered on the spot, everything else goes to the API.
//!
//! A follow from memory takes no lock that anyone holds for long, allocates next to nothing and never waits: look the
//! link up in the cache, write the click into the spool, answer. That is why it stands in front of the router and its
//! layers rather than behind them.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION, REFERER,
    REFERRER_POLICY, USER_AGENT, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Request, StatusCode, Uri};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use waypost_core::Error;
use waypost_core::limits::Decision;
use waypost_core::links::{Domain, Followed, RESERVED, Status, Target, Visit, VisitKind};
use waypost_core::wire::v1::ErrorCode;

use crate::app::App;
use crate::error::ApiError;
use crate::gateway::access_log::AccessLine;
use crate::gateway::client_address::ClientAddress;
use crate::gateway::context::elapsed;
use crate::gateway::head_limits::HeadLimits;
use crate::gateway::metrics::RouteMeter;
use crate::gateway::request_id::{RequestTag, X_REQUEST_ID};
use crate::guard::{accepts, limited};

const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
/// The label of follows in logs and metrics.
const ROUTE: &str = "/{slug}";
/// What a redirect says to caches unless its link says otherwise: a redirect that a cache answers is not counted.
const UNCACHED: HeaderValue = HeaderValue::from_static("private, max-age=0");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Everything that Waypost answers, as one tower and hyper service.
#[derive(Clone, Debug)]
pub struct Gateway {
    app: Arc<App>,
    api: axum::Router,
    metrics: Arc<RouteMeter>,
    limits: HeadLimits,
    api_on: Option<Handle>,
    peer: Option<SocketAddr>,
}

impl Gateway {
    /// The door to `app`.
    ///
    /// # Errors
    /// [`Kind::Invalid`](waypost_core::Kind::Invalid) for options that are none.
    pub fn new(app: Arc<App>) -> Result<Self, Error> {
        let api = crate::api::api(&app)?;
        Ok(Self {
            app,
            api,
            metrics: Arc::new(RouteMeter::new(ROUTE)),
            limits: HeadLimits::default(),
            api_on: None,
            peer: None,
        })
    }

    /// The door for one connection, whose other end is known.
    #[must_use]
    pub fn for_peer(&self, peer: SocketAddr) -> Self {
        Self { peer: Some(peer), ..self.clone() }
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
        if is_slug(request.uri().path()) {
            // A panic here would take the whole connection with it.
            let known = catch_unwind(AssertUnwindSafe(|| self.follow_known(Head::of(&request))));
            if let Ok(Some(response)) = known {
                return Answering::Done(Some(response));
            }
            let gateway = self.clone();
            let (parts, _) = request.into_parts();
            return Answering::Waiting(Box::pin(async move {
                let answer = AssertUnwindSafe(gateway.follow(&parts)).catch_unwind().await;
                answer.unwrap_or_else(|_| gateway.broken(&parts))
            }));
        }
        let mut request = request.map(Body::new);
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let api = self.api.clone();
        let answer = async move {
            let Ok(mut response) = tower::ServiceExt::oneshot(api, request).await;
            // The router says how long even a body is that there is none of (RFC 9110 §8.6).
            if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            response
        };
        let Some(runtime) = &self.api_on else { return Answering::Waiting(Box::pin(answer)) };
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

    /// Answers a follow that takes no waiting.
    fn follow_known(&self, head: Head<'_>) -> Option<Response> {
        if !matches!(*head.method, Method::GET | Method::HEAD)
            || self.limits.check(head.method, head.uri, head.headers).is_err()
        {
            return None;
        }
        let slug = head.uri.path().strip_prefix('/')?;
        let started = self.app.platform.clock.now();
        let client = self.client(head);
        let visit = visit(head, client);
        match self.app.platform.follows.follow_known(&self.domain(head), slug, &visit, started)? {
            Followed::Redirect(target) => {
                let known = Known { tag: self.app.contexts.tag(head.headers, started), client, started };
                Some(self.finish(head, known, redirect(&target), None))
            }
            // What is not there, or not any more, takes its time: it is limited, and has a page.
            Followed::NotFound | Followed::Gone(_) => None,
        }
    }

    /// Answers any follow.
    async fn follow(&self, parts: &Parts) -> Response {
        let head = Head::from(parts);
        let known = self.known(head);
        let (response, error) = match self.try_follow(head, known.client).await {
            Ok(response) => (response, None),
            Err(error) => (self.refusal(head, &known, &error), Some(error)),
        };
        self.finish(head, known, response, error.as_ref())
    }

    fn known(&self, head: Head<'_>) -> Known {
        let started = self.app.platform.clock.now();
        Known { tag: self.app.contexts.tag(head.headers, started), client: self.client(head), started }
    }

    async fn try_follow(&self, head: Head<'_>, client: ClientAddress) -> Result<Response, ApiError> {
        match *head.method {
            Method::GET | Method::HEAD => {}
            Method::OPTIONS => return Ok((StatusCode::NO_CONTENT, [(ALLOW, METHODS)]).into_response()),
            _ => return Err(ApiError::method_not_allowed(METHODS)),
        }
        self.limits.check(head.method, head.uri, head.headers)?;
        let not_found = || ApiError::new(ErrorCode::NotFound, "There is no such link");
        let slug = decode(head.uri.path().strip_prefix('/').unwrap_or_default()).ok_or_else(not_found)?;
        let visit = visit(head, client);
        match self.app.platform.follows.follow(&self.domain(head), &slug, &visit).await? {
            Followed::Redirect(target) => Ok(redirect(&target)),
            Followed::Gone(status) => Err(ApiError::new(
                ErrorCode::Gone,
                match status {
                    Status::Disabled => "The link was switched off",
                    Status::Expired => "The link has expired",
                    Status::UsedUp | Status::Active => "The link is used up",
                },
            )),
            Followed::NotFound => {
                let policy = &self.app.options.misses;
                let decision = self.app.platform.limits.take(policy, &client.limit_key(), 1).await;
                match decision {
                    Decision::Allow(_) => Err(not_found()),
                    Decision::Deny { retry_after, .. } => {
                        let now = self.app.platform.clock.now();
                        let headers = crate::gateway::rate_headers::headers(&[(policy.clone(), decision)], now);
                        let error = headers.into_iter().fold(limited(policy), |error, (name, value)| match name {
                            Some(name) => error.with_header(name, value),
                            None => error,
                        });
                        Err(error.with_retry_after(retry_after))
                    }
                }
            }
        }
    }

    /// The answer when following panicked; the panic itself is in the log.
    fn broken(&self, parts: &Parts) -> Response {
        let head = Head::from(parts);
        let error = ApiError::of(ErrorCode::Internal).with_reason("following panicked");
        let known = self.known(head);
        let response = self.refusal(head, &known, &error);
        self.finish(head, known, response, Some(&error))
    }

    /// A page for a browser, the shape of errors for everyone else.
    fn refusal(&self, head: Head<'_>, known: &Known, error: &ApiError) -> Response {
        let mut response = error.clone().into_response();
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
        if prefers_html(head.headers) {
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            if *head.method != Method::HEAD {
                *response.body_mut() = Body::from(page(error));
            }
            return response;
        }
        self.app.envelope.apply(response, head.method, known.tag.as_str())
    }

    /// Puts on what every response has, counts it, and writes its line.
    fn finish(&self, head: Head<'_>, known: Known, mut response: Response, error: Option<&ApiError>) -> Response {
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        let status = response.status();
        let duration = elapsed(known.started, self.app.platform.clock.now());
        self.metrics.record(head.method, status, duration);
        // Redirects that went well are told at the level of details: there are very many of them, and each is a click,
        // which is on record already.
        let is_detail = status.is_redirection();
        if AccessLine::is_wanted(status.as_u16(), is_detail) {
            let reason = error.and_then(ApiError::reason);
            AccessLine {
                method: head.method.as_str(),
                route: ROUTE,
                path: head.uri.path(),
                status: status.as_u16(),
                duration,
                bytes: 0,
                request_id: known.tag.as_str(),
                client: known.client,
                caller: None,
                code: error.map(|error| error.code().as_str()),
                reason: reason.as_deref(),
                is_detail,
            }
            .write();
        }
        response.headers_mut().insert(X_REQUEST_ID, known.tag.into_header());
        response
    }

    fn client(&self, head: Head<'_>) -> ClientAddress {
        let peer = self.peer.or_else(|| head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0));
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        self.app.contexts.client(peer, head.headers)
    }

    fn domain(&self, head: Head<'_>) -> Domain {
        let authority = head.uri.authority().map(http::uri::Authority::as_str);
        let host = authority.or_else(|| head.headers.get(HOST).and_then(|host| host.to_str().ok()));
        self.app.site().domain_of_host(host.unwrap_or_default())
    }
}

/// What is known of a follow besides its head.
struct Known {
    tag: RequestTag,
    client: ClientAddress,
    started: Timestamp,
}

/// The head of a request, borrowed: bodies cannot be shared between threads, and no follow has one that counts.
#[derive(Clone, Copy)]
struct Head<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> Head<'a> {
    fn of<B>(request: &'a Request<B>) -> Self {
        let (method, uri) = (request.method(), request.uri());
        Self { method, uri, headers: request.headers(), extensions: request.extensions() }
    }
}

impl<'a> From<&'a Parts> for Head<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self { method: &parts.method, uri: &parts.uri, headers: &parts.headers, extensions: &parts.extensions }
    }
}

/// Whether a path is a slug's, and not one of the server's own.
fn is_slug(path: &str) -> bool {
    let Some(slug) = path.strip_prefix('/') else { return false };
    let first = slug.split('/').next().unwrap_or_default();
    !first.is_empty() && !RESERVED.iter().any(|own| own.eq_ignore_ascii_case(first))
}

fn visit(head: Head<'_>, client: ClientAddress) -> Visit<'_> {
    let headers = head.headers;
    let text = |name| headers.get(name).map_or(&[][..], HeaderValue::as_bytes);
    let is_ahead = || headers.get(SEC_PURPOSE).is_some_and(|value| value.as_bytes().starts_with(b"prefetch"));
    let kind = match *head.method {
        Method::HEAD => VisitKind::Look,
        _ if is_ahead() => VisitKind::Ahead,
        _ => VisitKind::Click,
    };
    Visit { address: client.ip(), user_agent: text(USER_AGENT), referrer: text(REFERER), kind }
}

/// The characters that a path stands for; `None` where they are no UTF-8.
fn decode(path: &str) -> Option<std::borrow::Cow<'_, str>> {
    percent_encoding::percent_decode_str(path).decode_utf8().ok()
}

fn redirect(target: &Target) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(target.redirect_status.get()).unwrap_or(StatusCode::FOUND);
    let headers = response.headers_mut();
    headers.reserve(8);
    // A destination is ASCII without control characters, so it always is a value.
    if let Ok(location) = HeaderValue::from_maybe_shared(target.destination.clone()) {
        headers.insert(LOCATION, location);
    }
    let caching = target.cache_seconds.and_then(|age| HeaderValue::try_from(format!("public, max-age={age}")).ok());
    headers.insert(CACHE_CONTROL, caching.unwrap_or(UNCACHED));
    if let Some(policy) = target.referrer_policy {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static(policy.as_str()));
    }
    response
}

fn prefers_html(headers: &HeaderMap) -> bool {
    let names_html = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("text/html"));
    headers.get(http::header::ACCEPT).is_some_and(names_html) && accepts(headers, &["text/html"])
}

/// Made of our own words alone.
fn page(error: &ApiError) -> Bytes {
    let (status, message) = (error.status().as_u16(), error.message());
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{message}</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;\
         padding:0 1rem;text-align:center}}</style><h1>{status}</h1><p>{message}.</p></html>"
    );
    Bytes::from(html)
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
