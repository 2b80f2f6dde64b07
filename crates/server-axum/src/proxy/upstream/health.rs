//! Asking targets whether they are well.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use http::header::USER_AGENT;
use http::{HeaderValue, Method, Request};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use waypost_core::Result;
use waypost_core::clock::Clock;
use waypost_core::engine::{Engine, Next};

use super::{Target, Upstream};
use crate::proxy::config;

/// How many targets of one upstream are asked side by side: enough that a round of slow ones ends, few enough not to be a
/// burst.
const SIDE_BY_SIDE: usize = 32;
/// How long the engine rests where nobody is to be asked; after it, a new configuration is seen.
const REST: Duration = Duration::from_secs(1);

/// What is asked, how often, and what counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HealthOptions {
    path: String,
    interval: Duration,
    timeout: Duration,
    healthy_after: u32,
    unhealthy_after: u32,
}

impl HealthOptions {
    pub(super) fn of(config: &config::Health) -> Self {
        Self {
            path: config.path.clone(),
            interval: config.interval.get(),
            timeout: config.timeout.get(),
            healthy_after: config.healthy_after,
            unhealthy_after: config.unhealthy_after,
        }
    }
}

/// Where a target's checks stand.
#[derive(Debug, Default)]
pub(super) struct Checks {
    due: Option<Timestamp>,
    /// The last question is not answered yet; there is one at a time.
    is_asked: bool,
    /// Answers in a row that say otherwise than what is believed.
    contrary: u32,
}

/// What one question came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A 2xx in time.
    Well,
    /// Anything else.
    Ill,
}

impl Target {
    /// Whether a check is due; if so, the next one is planned.
    fn take_check(&self, options: &HealthOptions, now: Timestamp) -> bool {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        // A shorter interval of a new configuration holds at once.
        let latest = now + options.interval;
        let due = !checks.is_asked && checks.due.is_none_or(|due| due <= now || due > latest);
        if due {
            checks.is_asked = true;
            checks.due = Some(latest);
        }
        due
    }

    /// When a check may be due next; `None` while the last one goes on.
    fn next_check(&self) -> Option<Timestamp> {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.due.filter(|_| !checks.is_asked)
    }

    /// Takes a reading into account. Says whether the target's standing changed.
    fn take_reading(&self, options: &HealthOptions, reading: Reading) -> bool {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.is_asked = false;
        let believed = self.is_well.load(Ordering::Relaxed);
        if (reading == Reading::Well) == believed {
            checks.contrary = 0;
            return false;
        }
        checks.contrary = checks.contrary.saturating_add(1);
        let enough = if believed { options.unhealthy_after } else { options.healthy_after };
        if checks.contrary < enough {
            return false;
        }
        checks.contrary = 0;
        self.is_well.store(!believed, Ordering::Relaxed);
        true
    }
}

/// Where the upstreams of this moment are found; a reload changes them.
pub type Current = Arc<dyn Fn() -> Vec<Arc<Upstream>> + Send + Sync>;

/// The engine that asks.
pub struct HealthChecks {
    current: Current,
    clock: Arc<dyn Clock>,
    /// The checks under way: at most one for each target. A slow target holds up nothing but its own next check.
    pending: JoinSet<()>,
    /// The places of each upstream.
    places: HashMap<Box<str>, Arc<Semaphore>>,
}

impl std::fmt::Debug for HealthChecks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HealthChecks").finish_non_exhaustive()
    }
}

impl HealthChecks {
    /// Asks the targets of whatever upstreams `current` gives.
    pub fn new(current: Current, clock: Arc<dyn Clock>) -> Self {
        Self { current, clock, pending: JoinSet::new(), places: HashMap::new() }
    }

    /// One check, from its place to what it came to.
    fn check(&mut self, upstream: &Arc<Upstream>, target: &Arc<Target>, options: &HealthOptions) {
        let places =
            self.places.entry(upstream.name().into()).or_insert_with(|| Arc::new(Semaphore::new(SIDE_BY_SIDE)));
        let (places, clock) = (places.clone(), self.clock.clone());
        let (upstream, target, options) = (upstream.clone(), target.clone(), options.clone());
        self.pending.spawn(async move {
            let _place = places.acquire().await;
            let reading = ask(&target, &options, &*clock).await;
            if target.take_reading(&options, reading) {
                let state = if target.is_well() { "well" } else { "ill" };
                tracing::warn!(upstream = upstream.name(), target = target.url(), state, "a target's health changed");
            }
            let labels = [("upstream", upstream.name().to_owned()), ("target", target.url().to_owned())];
            metrics::gauge!("waypost_proxy_target_well", &labels).set(if target.is_well() { 1.0 } else { 0.0 });
        });
    }
}

async fn ask(target: &Target, options: &HealthOptions, clock: &dyn Clock) -> Reading {
    let Ok(uri) = target.uri(&options.path) else { return Reading::Ill };
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri;
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("waypost-health"));
    let late = clock.sleep_until(clock.now() + options.timeout);
    tokio::select! {
        answer = target.send(request, false) => match answer {
            Ok(answer) if answer.status().is_success() => Reading::Well,
            _ => Reading::Ill,
        },
        () = late => Reading::Ill,
    }
}

#[async_trait]
impl Engine for HealthChecks {
    fn name(&self) -> &'static str {
        "proxy_health"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        let upstreams = (self.current)();
        self.places.retain(|name, _| upstreams.iter().any(|upstream| upstream.name() == &**name));
        for upstream in &upstreams {
            let Some(options) = &upstream.health else { continue };
            for target in upstream.targets().filter(|target| target.take_check(options, now)) {
                self.check(upstream, target, options);
            }
        }
        let rest = now + REST;
        let next = || {
            let asked = upstreams.iter().filter(|upstream| upstream.health.is_some());
            let next = asked.flat_map(|upstream| upstream.targets()).filter_map(|target| target.next_check()).min();
            next.map_or(rest, |next| next.min(rest))
        };
        // What is not answered by then goes on in the next step.
        let over = self.clock.sleep_until(next());
        tokio::pin!(over);
        while !self.pending.is_empty() {
            tokio::select! {
                _ = self.pending.join_next() => {}
                () = &mut over => break,
            }
        }
        Ok(Next::At(next()))
    }
}
