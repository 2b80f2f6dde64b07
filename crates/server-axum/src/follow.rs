//! Following a link over HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERER, REFERRER_POLICY, USER_AGENT, VARY,
};
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Request, StatusCode, Uri, Version};
use jiff::Timestamp;
use waypost_core::limits::Decision;
use waypost_core::links::{Followed, RESERVED, Status, Target, Visit, VisitKind};
use waypost_core::wire::v1::ErrorCode;

use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::gateway::access_log::AccessLine;
use crate::gateway::client_address::ClientAddress;
use crate::gateway::context::elapsed;
use crate::gateway::head_limits::HeadLimits;
use crate::gateway::host;
use crate::gateway::limit;
use crate::gateway::metrics::RouteMeter;
use crate::gateway::request_id::{RequestTag, X_REQUEST_ID};
use crate::guard::accepts;

const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
/// The label of follows in logs and metrics.
const ROUTE: &str = "/{slug}";
/// What a redirect says to caches unless its link says otherwise: a redirect that a cache answers is not counted.
const UNCACHED: HeaderValue = HeaderValue::from_static("private, max-age=0");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Answers follows.
#[derive(Clone, Debug)]
pub(crate) struct Follow {
    app: Arc<App>,
    metrics: Arc<RouteMeter>,
    limits: HeadLimits,
}

impl Follow {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app, metrics: Arc::new(RouteMeter::new(ROUTE)), limits: HeadLimits::default() }
    }

    /// Answers a follow that takes no waiting.
    pub(crate) fn known(&self, head: Head<'_>) -> Option<Response> {
        if !matches!(*head.method, Method::GET | Method::HEAD)
            || self.limits.check(head.method, head.uri, head.headers).is_err()
        {
            return None;
        }
        let host = head.host().ok()?;
        let slug = head.uri.path().strip_prefix('/')?;
        let started = self.app.platform.clock.now();
        let client = self.client(head);
        let visit = visit(head, client);
        match self.app.platform.follows.follow_known(&self.app.site().domain_of_host(host), slug, &visit, started)? {
            Followed::Redirect(target) => {
                let known = Known { tag: self.app.contexts.tag(head.headers, started), client, started };
                Some(self.finish(head, known, redirect(&target, started), None))
            }
            // What is not there, or not any more, takes its time: it is limited, and has a page.
            Followed::NotFound | Followed::Gone(_) => None,
        }
    }

    /// Answers any follow.
    pub(crate) async fn any(&self, head: Head<'_>) -> Response {
        let known = self.learn(head);
        let (response, error) = match self.try_follow(head, known.client).await {
            Ok(response) => (response, None),
            Err(error) => (self.refusal(head, &known, &error), Some(error)),
        };
        self.finish(head, known, response, error.as_ref())
    }

    fn learn(&self, head: Head<'_>) -> Known {
        let started = self.app.platform.clock.now();
        Known { tag: self.app.contexts.tag(head.headers, started), client: self.client(head), started }
    }

    async fn try_follow(&self, head: Head<'_>, client: ClientAddress) -> Result<Response, ApiError> {
        let host = head.host()?;
        match *head.method {
            Method::GET | Method::HEAD => {}
            Method::OPTIONS => return Ok((StatusCode::NO_CONTENT, [(ALLOW, METHODS)]).into_response()),
            _ => return Err(ApiError::method_not_allowed(METHODS)),
        }
        self.limits.check(head.method, head.uri, head.headers)?;
        let not_found = || ApiError::new(ErrorCode::NotFound, "There is no such link");
        let slug = decode(head.uri.path().strip_prefix('/').unwrap_or_default()).ok_or_else(not_found)?;
        let (domain, follows) = (self.app.site().domain_of_host(host), &self.app.platform.follows);
        if !follows.knows(&domain, &slug) {
            self.allow_misses(client, 0).await?;
        }
        let visit = visit(head, client);
        match follows.follow(&domain, &slug, &visit).await? {
            Followed::Redirect(target) => Ok(redirect(&target, self.app.platform.clock.now())),
            Followed::Gone(status) => Err(ApiError::new(
                ErrorCode::Gone,
                match status {
                    Status::Disabled => "The link was switched off",
                    Status::Expired => "The link has expired",
                    Status::UsedUp | Status::Active => "The link is used up",
                },
            )),
            Followed::NotFound => {
                self.allow_misses(client, 1).await?;
                Err(not_found())
            }
        }
    }

    /// Takes `cost` from what an address may miss. What is known in memory is followed without a question; who walks
    /// through the slugs learns no more from the rest once the bucket is spent.
    async fn allow_misses(&self, client: ClientAddress, cost: u32) -> Result<(), ApiError> {
        let policy = &self.app.options.misses;
        let decision = self.app.platform.limits.take(policy, &client.limit_key(), cost).await;
        let retry_after = match decision {
            Decision::Allow(standing) if cost > 0 || standing.remaining > 0 => return Ok(()),
            Decision::Allow(standing) => standing.reset,
            Decision::Deny { retry_after, .. } => retry_after,
        };
        let decision = Decision::Deny { standing: decision.standing(), retry_after };
        let headers =
            crate::gateway::rate_headers::headers(&[(policy.clone(), decision)], self.app.platform.clock.now());
        let error = headers.into_iter().fold(limit::refused(policy), |error, (name, value)| match name {
            Some(name) => error.with_header(name, value),
            None => error,
        });
        Err(error.with_retry_after(retry_after))
    }

    /// The answer when following panicked; the panic itself is in the log.
    pub(crate) fn broken(&self, head: Head<'_>) -> Response {
        let error = ApiError::of(ErrorCode::Internal).with_reason("following panicked");
        let known = self.learn(head);
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
        let status = response.status();
        match status.is_redirection() {
            true => self.app.security.apply_to_redirect(response.headers_mut()),
            false => self.app.security.apply(&mut response),
        }
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
        let peer = head.peer.or_else(|| head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0));
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        self.app.contexts.client(peer, head.headers)
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
pub(crate) struct Head<'a> {
    peer: Option<SocketAddr>,
    version: Version,
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> Head<'a> {
    /// The head of a request whose connection is with `peer`.
    pub(crate) fn of<B>(request: &'a Request<B>, peer: Option<SocketAddr>) -> Self {
        let (method, uri) = (request.method(), request.uri());
        let version = request.version();
        Self { peer, version, method, uri, headers: request.headers(), extensions: request.extensions() }
    }

    /// The same, of a request that was taken apart.
    pub(crate) fn from_parts(parts: &'a Parts, peer: Option<SocketAddr>) -> Self {
        let Parts { version, method, uri, headers, extensions, .. } = parts;
        Self { peer, version: *version, method, uri, headers, extensions }
    }

    /// The host that is asked.
    fn host(&self) -> ApiResult<&'a str> {
        host::of(self.version, self.uri, self.headers)
    }
}

/// Whether a path is a slug's, and not one of the server's own.
pub(crate) fn is_slug(path: &str) -> bool {
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

fn redirect(target: &Target, now: Timestamp) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(target.redirect_status.get()).unwrap_or(StatusCode::FOUND);
    let headers = response.headers_mut();
    headers.reserve(8);
    // A destination is ASCII without control characters, so it always is a value.
    if let Ok(location) = HeaderValue::from_maybe_shared(target.destination.clone()) {
        headers.insert(LOCATION, location);
    }
    let caching = target.cacheable(now).and_then(|age| HeaderValue::try_from(format!("public, max-age={age}")).ok());
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
