//! The service.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use jiff::Timestamp;
use waypost_core::clock::{Clock, SystemClock};
use waypost_core::wire::v1::ErrorCode;

use super::intake::{Intake, IntakeFault};
use super::path::Ambiguous;
use super::refusals::{ambiguous, causes, failed, too_slow};
use super::reply::{Patience, reply};
use super::{Neighbours, Tunnels, Vouch, VouchForNobody, forwarded, hop, identity, path, retry};
use crate::error::ApiError;
use crate::gateway::client_address::TrustedProxies;
use crate::gateway::deadline::Still;
use crate::gateway::envelope::{FromTarget, Rendered};
use crate::gateway::hygiene::Hygiene;
use crate::proxy::config::{self, RouteKind};
use crate::proxy::upstream::{Attempt, Outcome, Target, TargetError, Unavailable, Upstream};

/// How requests of one route are forwarded.
#[derive(Clone, Debug)]
pub struct Rule {
    /// How they run.
    pub kind: RouteKind,
    /// The time of a request, as its kind counts it.
    pub timeout: Duration,
    /// How long nothing may move on a stream or a tunnel.
    pub idle_timeout: Duration,
    /// The most bytes of a request's body.
    pub body_limit: u64,
    /// What is left off the beginning of the path.
    pub strip_prefix: Option<Box<str>>,
}

impl Rule {
    /// The rule of a configured route.
    pub fn of(route: &config::Route) -> Self {
        Self {
            kind: route.kind,
            timeout: route.timeout.get(),
            idle_timeout: route.idle_timeout.get(),
            body_limit: route.body_limit.get(),
            strip_prefix: route.strip_prefix.as_deref().map(Box::from),
        }
    }
}

impl Default for Rule {
    /// As a configured route that says nothing: unary, 30 s, 1 MiB.
    fn default() -> Self {
        Self {
            kind: RouteKind::Unary,
            timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(300),
            body_limit: 1 << 20,
            strip_prefix: None,
        }
    }
}

/// What all forwarding of a server has in common.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The proxies in front, whose word about callers is passed on.
    pub proxies: TrustedProxies,
    /// Who vouches for principals.
    pub vouch: Arc<dyn Vouch>,
    /// The tunnels.
    pub tunnels: Tunnels,
    /// What nobody may say in trailers. That of headers is a layer in front, and should be the same.
    pub hygiene: Hygiene,
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            proxies: TrustedProxies::default(),
            vouch: Arc::new(VouchForNobody),
            tunnels: Tunnels::default(),
            hygiene: Hygiene::default(),
        }
    }
}

/// Forwards requests to one upstream, by one rule. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Forward(Arc<Parted>);

#[derive(Debug)]
struct Parted {
    upstream: Arc<Upstream>,
    rule: Rule,
    edge: Edge,
    beside: Option<Beside>,
}

/// The routes of the same configuration, of a route that is a catch-all.
#[derive(Clone, Debug)]
struct Beside {
    paths: Arc<Neighbours>,
    own: Box<str>,
}

impl tower::Service<Request<Body>> for Forward {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.0.clone();
        Box::pin(async move { Ok(this.forward(request).await.unwrap_or_else(IntoResponse::into_response)) })
    }
}

/// How one attempt ended without an answer that goes on.
enum Lost {
    /// The target broke off, or was not there.
    Broke(TargetError),
    /// The target asks to be left alone.
    Refused(Response<Incoming>),
}

impl Forward {
    /// Forwards to `upstream` by `rule`.
    pub fn new(upstream: Arc<Upstream>, rule: Rule, edge: Edge) -> Self {
        Self(Arc::new(Parted { upstream, rule, edge, beside: None }))
    }

    /// The same as the route `own` among `paths`: a path with a slash at its end that is another route's without it is
    /// refused where `own` is a catch-all.
    #[must_use]
    pub fn beside(self, paths: Arc<Neighbours>, own: &str) -> Self {
        if !own.contains("{*") {
            return self;
        }
        let Parted { upstream, rule, edge, .. } = &*self.0;
        let beside = Some(Beside { paths, own: own.into() });
        Self(Arc::new(Parted { upstream: upstream.clone(), rule: rule.clone(), edge: edge.clone(), beside }))
    }
}

impl Parted {
    async fn forward(&self, mut request: Request<Body>) -> Result<Response, ApiError> {
        let clock = &self.edge.clock;
        let deadline = clock.now().saturating_add(self.rule.timeout).unwrap_or(Timestamp::MAX);
        let path = path::onward(request.uri(), self.rule.strip_prefix.as_deref()).map_err(ambiguous)?;
        if self.beside.as_ref().is_some_and(|beside| beside.paths.is_of_another(request.uri().path(), &beside.own)) {
            return Err(ambiguous(Ambiguous::OtherRoute));
        }
        let upgrade = self.upgrade(&mut request);
        let (mut parts, body) = request.into_parts();
        let most = if upgrade.is_some() { 1 } else { self.upstream.attempts() };
        hop::strip_request(&mut parts.headers, self.upstream.speaks_http2());
        forwarded::tell(&mut parts, &self.edge.proxies);
        identity::strip_claims(&mut parts.headers);
        // By what is left: what `Connection` has named does not reach the target.
        let repeatable = most > 1 && retry::is_repeatable(&parts.method, &parts.headers);
        let late = clock.sleep_until(deadline);
        tokio::pin!(late);
        let intake = tokio::select! {
            intake = Intake::of(body, self.rule.body_limit, repeatable, &self.edge.hygiene) => intake.map_err(|fault| self.told(fault))?,
            () = &mut late => return Err(too_slow()),
        };
        let mut attempts = if repeatable { most } else { 1 };
        let mut tried: Vec<Arc<Target>> = Vec::new();
        let mut lost = None;
        loop {
            attempts -= 1;
            let attempt = match self.upstream.pick(&tried, clock.now()) {
                Ok(attempt) => attempt,
                Err(unavailable) => return self.give_up(lost, unavailable, deadline),
            };
            let Some(target) = attempt.target().cloned() else { continue };
            let word = tokio::select! {
                word = self.word(&parts, &path, &target) => word,
                // Dropped without a word about the target, which was not asked.
                () = &mut late => return Err(ApiError::of(ErrorCode::UpstreamTimeout).with_reason("nobody was vouched for in time")),
            };
            let mut request = self.request(&parts, &path, &target, &intake, upgrade.is_some())?;
            identity::speak(request.headers_mut(), word);
            let sent = tokio::select! {
                sent = target.send(request, upgrade.is_some()) => sent,
                () = &mut late => return Err(self.late(attempt, &intake)),
            };
            let now = clock.now();
            lost = match sent {
                Ok(answer) => {
                    let is_busy = retry::is_worth_it(answer.status());
                    if !(is_busy && attempts > 0 && intake.is_intact() && self.upstream.budget().take()) {
                        if tried.is_empty() && !is_busy {
                            self.upstream.budget().earn();
                        }
                        return self.answer(answer, attempt, upgrade, deadline);
                    }
                    self.upstream.note(attempt, Outcome::of_status(answer.status()), now);
                    Some(Lost::Refused(answer))
                }
                Err(fault) => {
                    if let Some(own) = intake.fault() {
                        // Dropped without a word about the target, which has done nothing wrong.
                        return Err(self.told(own));
                    }
                    self.upstream.note(attempt, Outcome::Failed, now);
                    self.count("failures");
                    if !(attempts > 0 && intake.is_intact() && self.upstream.budget().take()) {
                        return Err(self.broken(&target, &fault));
                    }
                    Some(Lost::Broke(fault))
                }
            };
            self.count("retries");
            tried.push(target);
        }
    }

    /// What the caller's connection will become, if it asks and may.
    fn upgrade(&self, request: &mut Request<Body>) -> Option<Upgrade> {
        // HTTP/2 has no such request (RFC 9113 §8.6).
        if self.rule.kind != RouteKind::Upgrade || request.version() != Version::HTTP_11 {
            return None;
        }
        let asks = *request.method() == Method::GET && hop::asks_websocket(request.headers());
        asks.then(|| Upgrade { caller: hyper::upgrade::on(request) })
    }

    /// The gateway's word about who asks, for one target: it holds for the path that this one sees, for a short time.
    async fn word(&self, parts: &Parts, path: &str, target: &Target) -> Option<HeaderValue> {
        let path = target.path(path.split('?').next().unwrap_or_default());
        self.edge.vouch.vouch(parts, self.upstream.name(), &path).await
    }

    fn request(
        &self,
        parts: &Parts,
        path: &str,
        target: &Target,
        intake: &Intake,
        upgrades: bool,
    ) -> Result<Request<Body>, ApiError> {
        let mut request = Request::new(intake.lend());
        let refused = |fault: http::Error| ApiError::of(ErrorCode::MalformedRequest).with_reason(fault.to_string());
        *request.uri_mut() = target.uri(path).map_err(refused)?;
        *request.method_mut() = parts.method.clone();
        let headers = request.headers_mut();
        *headers = parts.headers.clone();
        if !self.upstream.passes_credentials() {
            identity::strip_credentials(headers);
        }
        if intake.is_empty() && matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) {
            // Said, since these methods expect a body (RFC 9110 §8.6).
            headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        }
        if upgrades {
            hop::say_websocket(headers);
        }
        Ok(request)
    }

    fn answer(
        &self,
        mut answer: Response<Incoming>,
        attempt: Attempt,
        upgrade: Option<Upgrade>,
        deadline: Timestamp,
    ) -> Result<Response, ApiError> {
        let (clock, rule) = (&self.edge.clock, &self.rule);
        let place = self.upstream.note(attempt, Outcome::of_status(answer.status()), clock.now());
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let Some(Upgrade { caller }) = upgrade.filter(|_| hop::names_websocket(answer.headers())) else {
                let reason = "switched to a protocol for which it was not asked";
                return Err(ApiError::of(ErrorCode::UpstreamFailed).with_reason(reason));
            };
            let Some(permit) = self.edge.tunnels.enter() else {
                let error = ApiError::new(ErrorCode::Unavailable, "The server is at its limit of upgraded connections");
                return Err(error.with_reason("too many tunnels"));
            };
            let target = hyper::upgrade::on(&mut answer);
            self.edge.tunnels.join(caller, target, rule.idle_timeout, clock.clone(), (permit, place));
            let (mut parts, _) = answer.into_parts();
            hop::strip(&mut parts.headers);
            hop::say_websocket(&mut parts.headers);
            parts.extensions.insert(FromTarget);
            return Ok(Response::from_parts(parts, Body::empty()));
        }
        let (mut parts, body) = answer.into_parts();
        hop::strip(&mut parts.headers);
        // The target's errors are its own words.
        parts.extensions.insert(Rendered);
        parts.extensions.insert(FromTarget);
        if rule.kind != RouteKind::Unary {
            parts.extensions.insert(Still(rule.idle_timeout));
        }
        let patience = match rule.kind {
            RouteKind::Unary => Patience::Until(deadline),
            RouteKind::Stream | RouteKind::Upgrade => Patience::Idle(rule.idle_timeout),
        };
        Ok(Response::from_parts(parts, reply(body, place, clock.clone(), patience)))
    }

    /// No target is left for one more attempt: the last one's answer goes out, if there was one.
    fn give_up(
        &self,
        lost: Option<Lost>,
        Unavailable { retry_after }: Unavailable,
        deadline: Timestamp,
    ) -> Result<Response, ApiError> {
        match lost {
            Some(Lost::Refused(answer)) => {
                let (mut parts, body) = answer.into_parts();
                hop::strip(&mut parts.headers);
                parts.extensions.insert(Rendered);
                parts.extensions.insert(FromTarget);
                let body = reply(body, None, self.edge.clock.clone(), Patience::Until(deadline));
                Ok(Response::from_parts(parts, body))
            }
            Some(Lost::Broke(fault)) if !fault.is_connect() => Err(failed(self.upstream.name(), &fault)),
            _ => {
                self.count("unavailable");
                let error = ApiError::new(ErrorCode::Unavailable, "What answers here is away at the moment");
                let reason = format!("no target of upstream {} can be asked", self.upstream.name());
                Err(error.with_retry_after(retry_after).with_reason(reason))
            }
        }
    }

    fn broken(&self, target: &Target, fault: &TargetError) -> ApiError {
        if !fault.is_connect() {
            return failed(target.url(), fault);
        }
        ApiError::new(ErrorCode::Unavailable, "What answers here is away at the moment")
            .with_retry_after(Duration::from_secs(1))
            .with_reason(format!("{}: {}", target.url(), causes(fault)))
    }

    fn late(&self, attempt: Attempt, intake: &Intake) -> ApiError {
        if intake.is_waiting() {
            // The caller's own slowness says nothing about the target.
            return too_slow();
        }
        let name = attempt.target().map(|target| target.url().to_owned()).unwrap_or_default();
        self.upstream.note(attempt, Outcome::Failed, self.edge.clock.now());
        self.count("timeouts");
        ApiError::of(ErrorCode::UpstreamTimeout).with_reason(format!("{name} took longer than {:?}", self.rule.timeout))
    }

    fn told(&self, fault: IntakeFault) -> ApiError {
        match fault {
            IntakeFault::TooLarge => {
                let message = format!("The body is larger than {} bytes", self.rule.body_limit);
                ApiError::new(ErrorCode::PayloadTooLarge, message)
            }
            IntakeFault::BrokeOff => ApiError::new(ErrorCode::MalformedRequest, "The body broke off"),
        }
    }

    fn count(&self, what: &'static str) {
        let labels = [("upstream", self.upstream.name().to_owned()), ("event", what.to_owned())];
        metrics::counter!("waypost_proxy_events_total", &labels).increment(1);
    }
}

/// A connection about to become a WebSocket.
struct Upgrade {
    caller: OnUpgrade,
}
