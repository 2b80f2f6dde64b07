//! The port that counts: one script, one round trip a decision.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::clock::Clock;
use waypost_core::limits::{Algorithm, Decision, Policy, RateLimiter, Standing};

use super::skew::Skew;
use super::state::{self, Bucket};
use crate::redis::connection::Redis;
use crate::redis::error::Fault;
use crate::redis::moments::micros;
use crate::redis::script::{Call, Script};

static DECIDE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../scripts/limit_decide.lua")));

/// How long a key is kept after its full quota is there again: callers' clocks differ, and may stand still for a while.
const BEYOND: Duration = Duration::from_secs(60);

/// Counts in Redis, for every node that shares it.
///
/// One script reads, decides and writes, in one round trip. It answers with what it found, and [`Policy::decide`] tells
/// from that how things stand; the two decide alike, to the microsecond. Waits are told in whole microseconds, rounded
/// up. Memory is bounded: each key expires within a minute after its full quota is there again.
///
/// **Whose time.** The moment of a decision is the caller's, so that a decision does not hang on how long it travelled,
/// nor on a server whose clock jumps at a fail-over. What a node with a wrong clock could win by that, two guards take
/// away:
///
/// - For one key, time never goes back: a decision is made at the caller's moment or at the last one at which the key
///   admitted something, whichever is later. Whoever is behind gains nothing, and waits no longer than others.
/// - Once a second an answer carries the server's time. Where it proves this node's clock to be off by more than 500 ms, moments
///   are corrected by that much. So a node that is ahead cannot open a window early: all nodes agree to within half a
///   second and a round trip.
///
/// The clock must be the one that the callers' moments come from. Before the first decision it is compared once, in a
/// round trip of its own.
///
/// **Repeated calls.** A decision whose connection broke is asked for again. If the first had gone through, the cost is
/// taken twice: less is admitted then, never more.
///
/// A policy whose algorithm or window is changed counts anew. Moments before 1970 and after the year 2255 count as
/// these.
#[derive(Clone, Debug)]
pub struct RedisRateLimiter {
    redis: Redis,
    clock: Arc<dyn Clock>,
    skew: Arc<Skew>,
}

/// What the script answers: whether it took the cost, what it found, and the server's seconds and microseconds where it
/// was asked for them.
type Told = (u8, Option<Vec<u8>>, Option<(i64, i64)>);

impl RedisRateLimiter {
    /// A limiter that counts in `redis`; callers' moments come from `clock`.
    pub fn new(redis: &Redis, clock: Arc<dyn Clock>) -> Self {
        Self { redis: redis.clone(), clock, skew: Arc::new(Skew::new()) }
    }

    async fn take(&self, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Result<Decision, Fault> {
        let skew = match self.skew.known() {
            Some(skew) => skew,
            None => self.compare().await?,
        };
        let now = micros(now).saturating_sub(skew).max(0);
        let key = self.key(policy, key);
        let before = micros(self.clock.now());
        let call = asked(DECIDE.call(&[&key]), policy, cost, self.skew.is_due(before), now);
        let (allowed, seen, time): Told = call.run(&self.redis).await?;
        if let Some((seconds, more)) = time {
            self.skew.learn(before, micros(self.clock.now()), seconds * 1_000_000 + more);
        }
        let decision = told(policy, seen.as_deref(), cost, now)?;
        if decision.is_allowed() == (allowed == 1) { Ok(decision) } else { Err(Fault::Disagreement) }
    }

    /// Looks at the server's clock.
    async fn compare(&self) -> Result<i64, Fault> {
        let before = micros(self.clock.now());
        let (seconds, more): (i64, i64) = self.redis.query(&redis::cmd("TIME")).await?;
        self.skew.learn(before, micros(self.clock.now()), seconds * 1_000_000 + more);
        Ok(self.skew.known().unwrap_or(0))
    }

    /// A name of its own for each algorithm and window, since what is kept is read by them.
    fn key(&self, policy: &Policy, key: &str) -> String {
        let algorithm = match policy.algorithm() {
            Algorithm::TokenBucket => "bucket",
            Algorithm::SlidingWindow => "sliding",
            Algorithm::FixedWindow => "fixed",
        };
        let window = policy.window().as_secs();
        self.redis.keys().named(&format!("limit:{}:{algorithm}:{window}:{key}", policy.name()))
    }
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn decide(&self, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Result<Decision> {
        Ok(self.take(policy, key, cost, now).await?)
    }
}

/// Slices of which a policy's window is made.
fn slices(policy: &Policy) -> u32 {
    match policy.algorithm() {
        Algorithm::SlidingWindow => Policy::SLICES as u32,
        Algorithm::TokenBucket | Algorithm::FixedWindow => 1,
    }
}

/// Adds the arguments of the script.
fn asked<'a>(call: Call<'a>, policy: &Policy, cost: u32, is_due: bool, now: i64) -> Call<'a> {
    let (window, time) = (policy.window(), u8::from(is_due));
    if policy.algorithm() == Algorithm::TokenBucket {
        // Rounded up, as the policy does.
        let token = (window.as_nanos() as u64).div_ceil(u64::from(policy.quota()));
        let empty = token * u64::from(policy.quota());
        return call.arg("bucket").arg(cost).arg(BEYOND.as_millis() as u64).arg(time).arg(now).arg(token).arg(empty);
    }
    // A slice of the shortest window is 62,500 microseconds, and every slice a whole number of them.
    let slice = window / slices(policy);
    // A sliding window keeps one slice more than it has: the oldest, of which a part may still lie inside.
    let kept = if slices(policy) == 1 { 1 } else { slices(policy) + 1 };
    let keep = slice * kept + BEYOND;
    let current = now / slice.as_micros() as i64;
    call.arg("window").arg(cost).arg(keep.as_millis() as u64).arg(time).arg(current).arg(policy.quota()).arg(kept)
}

/// The decision at `now`, given what the script found.
fn told(policy: &Policy, seen: Option<&[u8]>, cost: u32, now: i64) -> Result<Decision, Fault> {
    let mut at = now;
    let state = match (seen, policy.algorithm()) {
        (None, _) => None,
        (Some(seen), Algorithm::TokenBucket) => {
            let bucket = Bucket::read(seen)?;
            at = at.max(bucket.at);
            Some(bucket.state())
        }
        (Some(seen), Algorithm::SlidingWindow | Algorithm::FixedWindow) => Some(state::window(seen)?),
    };
    let moment = Timestamp::from_microsecond(at).map_err(|_| Fault::Form("a moment"))?;
    // A caller who is behind waits until its own clock gets there.
    let behind = Duration::from_micros(at.abs_diff(now));
    Ok(match policy.decide(state.as_ref(), cost, moment).1 {
        Decision::Allow(standing) => Decision::Allow(later(standing, behind)),
        Decision::Deny { standing, retry_after } => {
            Decision::Deny { standing: later(standing, behind), retry_after: rounded(retry_after + behind) }
        }
    })
}

fn later(standing: Standing, behind: Duration) -> Standing {
    Standing { reset: rounded(standing.reset + behind), ..standing }
}

/// Up to the next microsecond: moments come in no finer steps.
fn rounded(wait: Duration) -> Duration {
    let beyond = u64::from(wait.subsec_nanos() % 1_000);
    if beyond == 0 { wait } else { wait.saturating_add(Duration::from_nanos(1_000 - beyond)) }
}
