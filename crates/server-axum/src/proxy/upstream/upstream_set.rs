//! An upstream: a name, and the targets that answer under it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use waypost_core::layers::Budget;

use super::balance::Balance;
use super::ejection::{self, EjectionOptions};
use super::health::HealthOptions;
use super::target::{Attempt, Key, Outcome, Place, Target};
use crate::gateway::context::elapsed;
use crate::proxy::config;

/// Servers that answer the same.
#[derive(Debug)]
pub struct Upstream {
    name: Box<str>,
    members: Vec<Member>,
    balance: Balance,
    ejection: EjectionOptions,
    /// Who holds it counts and sets aside; two at a time would each leave the other's target.
    ejecting: Mutex<()>,
    budget: Arc<Budget>,
    retries: config::Retries,
    pub(super) health: Option<HealthOptions>,
    passes_credentials: bool,
    speaks_http2: bool,
}

#[derive(Debug)]
struct Member {
    target: Arc<Target>,
    weight: u32,
}

/// No target can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// After how long one may be.
    pub retry_after: Duration,
}

impl Upstream {
    /// Makes it as configured. What `before` has of the same is taken over: targets with their connections and how they
    /// stand, and the budget.
    ///
    /// # Errors
    /// Words for operators, if an address cannot be used or TLS cannot be set up.
    pub fn build(config: &config::Upstream, before: Option<&Self>) -> Result<Self, String> {
        let known = |key: &Key| before?.members.iter().find(|member| member.target.key == *key);
        let members = config.targets.iter().map(|target| {
            let key = Key::of(config, &target.url);
            let target_of = match known(&key) {
                Some(member) => member.target.clone(),
                None => Arc::new(Target::new(key)?),
            };
            Ok(Member { target: target_of, weight: target.weight })
        });
        let members = members.collect::<Result<Vec<_>, String>>()?;
        let health = config.health.as_ref().map(HealthOptions::of);
        if health.is_none() {
            // Nobody asks any more, so nobody could find it well again.
            members.iter().for_each(|member| member.target.is_well.store(true, std::sync::atomic::Ordering::Relaxed));
        }
        let budget = before.filter(|before| before.retries == config.retries).map(|before| before.budget.clone());
        Ok(Self {
            name: config.name.as_str().into(),
            members,
            balance: Balance::default(),
            ejection: EjectionOptions {
                failures: config.ejection.failures,
                time: config.ejection.time.get(),
                longest: config.ejection.longest.get(),
            },
            ejecting: Mutex::default(),
            budget: budget.unwrap_or_else(|| Arc::new(Budget::new(config.retries.budget))),
            retries: config.retries.clone(),
            health,
            passes_credentials: config.pass_credentials,
            speaks_http2: config.http2,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its targets.
    pub fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.members.iter().map(|member| &member.target)
    }

    /// How often a request is sent at most.
    pub fn attempts(&self) -> u32 {
        self.retries.attempts
    }

    /// The repetitions that are left.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Whether clients' credentials go on to it.
    pub fn passes_credentials(&self) -> bool {
        self.passes_credentials
    }

    /// Whether HTTP/2 is spoken to its targets without asking.
    pub fn speaks_http2(&self) -> bool {
        self.speaks_http2
    }

    /// Picks a target for one attempt, not one of `tried` if there is another.
    ///
    /// # Errors
    /// [`Unavailable`] if none can be asked.
    pub fn pick(&self, tried: &[Arc<Target>], now: Timestamp) -> Result<Attempt, Unavailable> {
        let is_tried = |member: &Member| tried.iter().any(|target| Arc::ptr_eq(target, &member.target));
        // Between the look and the leave another request may take the last place; then the rest is asked.
        let mut refused: Vec<*const Target> = Vec::new();
        loop {
            let is_open = |member: &&Member| {
                member.weight > 0
                    && !refused.contains(&Arc::as_ptr(&member.target))
                    && member.target.closed_until(now).is_none()
            };
            let open: Vec<&Member> = self.members.iter().filter(is_open).collect();
            let fresh = open.iter().any(|member| !is_tried(member));
            let weights = open.iter().map(|member| if fresh && is_tried(member) { 0 } else { member.weight });
            let Some(index) = self.balance.pick(weights) else { return Err(self.unavailable(now)) };
            let target = &open[index].target;
            match target.enter(now) {
                Some(attempt) => return Ok(attempt),
                None => refused.push(Arc::as_ptr(target)),
            }
        }
    }

    fn unavailable(&self, now: Timestamp) -> Unavailable {
        let soonest = self.members.iter().filter(|member| member.weight > 0);
        let soonest = soonest.filter_map(|member| member.target.closed_until(now)).min();
        let wait = soonest.map_or(Duration::from_secs(1), |soonest| elapsed(now, soonest));
        Unavailable { retry_after: wait.clamp(Duration::from_secs(1), Duration::from_secs(60)) }
    }

    /// Notes what became of an attempt. Gives its place back, to be kept until the answer's body is through.
    pub fn note(&self, attempt: Attempt, outcome: Outcome, now: Timestamp) -> Option<Place> {
        let place = attempt.target().cloned();
        if let Some(target) = place {
            self.judge(&target, outcome, now);
        }
        attempt.note(outcome, now)
    }

    fn judge(&self, target: &Target, outcome: Outcome, now: Timestamp) {
        if outcome == Outcome::Answered {
            return target.standing.succeeded(now);
        }
        if !target.standing.failed(&self.ejection) || target.standing.ejected(now).is_some() {
            return;
        }
        let _ejecting = self.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
        if target.standing.ejected(now).is_some() {
            return;
        }
        // Those that take requests when nobody is set aside, and those of them that would still.
        let able = || self.members.iter().filter(|member| member.weight > 0 && member.target.is_well());
        let stay = able()
            .filter(|member| !std::ptr::eq(&*member.target, target) && member.target.standing.ejected(now).is_none());
        if ejection::leaves_enough(able().count(), stay.count()) {
            let until = target.standing.eject(&self.ejection, now);
            metrics::counter!("waypost_proxy_ejections_total", "upstream" => self.name.to_string()).increment(1);
            tracing::warn!(upstream = %self.name, target = target.url(), %until, "a target is set aside");
        }
    }
}
