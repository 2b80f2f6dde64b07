//! One target: its address, its connections, and how it stands.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use jiff::Timestamp;

use super::TargetError;
use super::breaker::{Breaker, BreakerOptions, Pass};
use super::client::{ClientOptions, Clients};
use super::ejection::Standing;
use super::health::Checks;
use crate::gateway::watched::Watch;
use crate::proxy::config;

/// What makes a target the same after a reload: then its connections and what is known of it are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    url: String,
    client: ClientOptions,
    breaker: BreakerOptions,
    most_in_flight: u32,
}

impl Key {
    pub(super) fn of(upstream: &config::Upstream, url: &str) -> Self {
        let breaker = &upstream.breaker;
        Self {
            url: url.to_owned(),
            client: ClientOptions {
                http2: upstream.http2,
                connect_timeout: upstream.connect_timeout.get(),
                max_idle: upstream.max_idle,
            },
            breaker: BreakerOptions {
                window: breaker.window.get(),
                requests: breaker.requests,
                failure_percent: breaker.failure_percent,
                open_for: breaker.open_for.get(),
                trials: breaker.trials,
            },
            most_in_flight: upstream.max_in_flight,
        }
    }
}

/// One server.
#[derive(Debug)]
pub struct Target {
    pub(super) key: Key,
    scheme: Scheme,
    authority: Authority,
    base: String,
    clients: Clients,
    breaker: Mutex<Breaker>,
    pub(super) standing: Standing,
    pub(super) is_well: AtomicBool,
    pub(super) checks: Mutex<Checks>,
    in_flight: AtomicU32,
}

impl Target {
    pub(super) fn new(key: Key) -> Result<Self, String> {
        let uri: Uri = key.url.parse().map_err(|fault| format!("`{}` is no address: {fault}", key.url))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(format!("`{}` names no server", key.url));
        };
        let base = parts.path_and_query.map(|path| path.path().trim_end_matches('/').to_owned()).unwrap_or_default();
        let clients = Clients::new(&key.client, scheme == Scheme::HTTPS)
            .map_err(|fault| format!("TLS cannot be used: {fault}"))?;
        Ok(Self {
            scheme,
            authority,
            base,
            clients,
            breaker: Mutex::new(Breaker::new(key.breaker)),
            standing: Standing::default(),
            is_well: AtomicBool::new(true),
            checks: Mutex::default(),
            in_flight: AtomicU32::new(0),
            key,
        })
    }

    /// Its address as it was written, for logs and metrics.
    pub fn url(&self) -> &str {
        &self.key.url
    }

    /// The host and port that requests name.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// How many requests are under way at it.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether it is well, by its health checks; it is until they say otherwise.
    pub fn is_well(&self) -> bool {
        self.is_well.load(Ordering::Relaxed)
    }

    /// The name of the breaker's state.
    pub fn breaker_state(&self) -> &'static str {
        self.breaker().state()
    }

    /// A path and query as it sees them: behind the path of its own address.
    pub(crate) fn path<'a>(&self, path_and_query: &'a str) -> Cow<'a, str> {
        match self.base.as_str() {
            "" => path_and_query.into(),
            base => format!("{base}{path_and_query}").into(),
        }
    }

    /// The address of a path and query at it.
    pub(crate) fn uri(&self, path_and_query: &str) -> Result<Uri, http::Error> {
        let builder = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        builder.path_and_query(&*self.path(path_and_query)).build()
    }

    pub(crate) async fn send(&self, request: Request<Body>, upgrades: bool) -> Result<Response<Incoming>, TargetError> {
        self.clients.send(request, upgrades).await
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why it cannot be asked now: until when at least. `None` if it can.
    pub(super) fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        let soon = now + std::time::Duration::from_secs(1);
        if !self.is_well() || self.in_flight() >= self.key.most_in_flight {
            return Some(soon);
        }
        if let Some(until) = self.standing.ejected(now) {
            return Some(until);
        }
        match self.breaker().looks(now) {
            Pass::No(until) => Some(until),
            Pass::Yes | Pass::Trial => None,
        }
    }

    /// Takes a place among those under way and the breaker's leave; `None` if somebody was faster.
    pub(super) fn enter(self: &std::sync::Arc<Self>, now: Timestamp) -> Option<Attempt> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.clone());
        if before >= self.key.most_in_flight {
            return None;
        }
        match self.breaker().pass(now) {
            Pass::No(_) => None,
            pass => Some(Attempt { place: Some(place), pass, is_noted: false }),
        }
    }
}

/// A place among the requests under way at a target; given back when dropped.
#[derive(Debug)]
pub struct Place(std::sync::Arc<Target>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Watch for Place {}

/// What became of a request, as far as it tells how its target stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Answered,
    /// It was answered with a fault of the target's own, say 500: one too many of them in a row sets it aside.
    Faulty,
    /// It was not answered, or as one who is not there (502, 503, 504): counts for the breaker as well.
    Failed,
}

impl Outcome {
    /// By the status of an answer.
    pub fn of_status(status: http::StatusCode) -> Self {
        match status.as_u16() {
            502..=504 => Self::Failed,
            // What a target does not implement is no sign of illness.
            501 | 505 => Self::Answered,
            500..=599 => Self::Faulty,
            _ => Self::Answered,
        }
    }
}

/// Leave to ask a target once. What becomes of it must be noted; dropped before, it says nothing about the target.
#[derive(Debug)]
pub struct Attempt {
    place: Option<Place>,
    pass: Pass,
    is_noted: bool,
}

impl Attempt {
    /// The target.
    pub fn target(&self) -> Option<&std::sync::Arc<Target>> {
        self.place.as_ref().map(|place| &place.0)
    }

    /// Notes an outcome for the breaker, and hands out the place, to be kept until the answer's body is through.
    pub(super) fn note(mut self, outcome: Outcome, now: Timestamp) -> Option<Place> {
        self.is_noted = true;
        let place = self.place.take()?;
        place.0.breaker().note(self.pass, outcome != Outcome::Failed, now);
        Some(place)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let (false, Some(place)) = (self.is_noted, &self.place) {
            place.0.breaker().forget(self.pass);
        }
    }
}
