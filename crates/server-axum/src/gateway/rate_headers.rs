//! How things stand with the limits, on every answer (§7; draft-ietf-httpapi-ratelimit-headers).
//!
//! Limiters note their decisions in the request's [`RateLedger`]; [`stamp`] writes them onto whatever answer comes, an
//! error, a preflight or a time-out among them. So the layer stands around every limiter and every refusal.
//!
//! Alone, on a foreign axum router, around one's own limiter:
//!
//! ```
//! use std::sync::Arc;
//! use axum::{Router, middleware};
//! use waypost_core::clock::SystemClock;
//! use waypost_server_axum::gateway::rate_headers::{self, RateHeaders};
//!
//! let headers = RateHeaders::new(Arc::new(SystemClock));
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(headers, rate_headers::stamp));
//! ```

use std::cmp::Ordering;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use waypost_core::clock::Clock;
use waypost_core::limits::{Decision, Policy};

use super::envelope::FromTarget;
use crate::error::whole_seconds;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The decisions about one request, in the order in which they were taken; a request extension.
#[derive(Clone, Debug, Default)]
pub struct RateLedger(Arc<Mutex<Vec<(Policy, Decision)>>>);

impl RateLedger {
    /// Notes a decision. A later one of the same policy replaces the first.
    pub fn note(&self, policy: Policy, decision: Decision) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(noted, _)| noted.name() != policy.name());
        entries.push((policy, decision));
    }

    /// What was noted so far.
    pub fn entries(&self) -> Vec<(Policy, Decision)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whole seconds until there is more: until the full quota, or, where it was denied, until the next try can succeed.
fn seconds(decision: &Decision) -> u64 {
    match decision {
        Decision::Allow(standing) => whole_seconds(standing.reset),
        Decision::Deny { retry_after, .. } => whole_seconds(*retry_after).max(1),
    }
}

fn remaining(decision: &Decision) -> u32 {
    let standing = decision.standing();
    standing.remaining.min(standing.limit)
}

/// The tighter first: the violated ones, the longest wait among them first; then by the share that remains.
fn tighter(a: &Decision, b: &Decision) -> Ordering {
    let share = |one: &Decision, other: &Decision| u64::from(remaining(one)) * u64::from(other.standing().limit);
    match (a.is_allowed(), b.is_allowed()) {
        (false, true) => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, false) => seconds(b).cmp(&seconds(a)),
        (true, true) => share(a, b).cmp(&share(b, a)).then(seconds(b).cmp(&seconds(a))),
    }
}

/// The headers for these decisions at `now`; none if there are none.
///
/// `X-RateLimit-*` tell of the tightest policy: of the violated one where there is one, else of the one of which the
/// smallest share remains. `RateLimit-Policy` keeps the order of the decisions, which is stable; `RateLimit` begins with
/// the tightest. `Retry-After` is there if any denied, and never earlier than the `t` of a policy that has nothing left:
/// who waits that long is admitted.
///
/// ```
/// # use std::time::Duration;
/// # use jiff::Timestamp;
/// # use waypost_core::limits::{Algorithm, Policy};
/// # use waypost_server_axum::gateway::rate_headers::headers;
/// let policy = Policy::new("default", Algorithm::FixedWindow, 100, Duration::from_secs(60))?;
/// let (_, decision) = policy.decide(None, 1, Timestamp::UNIX_EPOCH);
/// let headers = headers(&[(policy, decision)], Timestamp::UNIX_EPOCH);
/// assert_eq!(headers["ratelimit-policy"], "\"default\";q=100;w=60");
/// assert_eq!(headers["ratelimit"], "\"default\";r=99;t=60");
/// # Ok::<(), waypost_core::limits::InvalidPolicy>(())
/// ```
pub fn headers(decisions: &[(Policy, Decision)], now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut by_tightness: Vec<&(Policy, Decision)> = decisions.iter().collect();
    by_tightness.sort_by(|(_, a), (_, b)| tighter(a, b));
    let Some((_, tightest)) = by_tightness.first() else {
        return headers;
    };

    let standing = tightest.standing();
    let reset = now.saturating_add(standing.reset).unwrap_or(Timestamp::MAX);
    let reset = reset.as_second() + i64::from(reset.subsec_nanosecond() > 0);
    headers.insert(LIMIT, HeaderValue::from(standing.limit));
    headers.insert(REMAINING, HeaderValue::from(remaining(tightest)));
    headers.insert(RESET, HeaderValue::from(reset));

    let (mut policies, mut limits) = (String::new(), String::new());
    for (policy, _) in decisions {
        let comma = if policies.is_empty() { "" } else { ", " };
        let _ = write!(policies, "{comma}\"{}\";q={};w={}", policy.name(), policy.quota(), policy.window().as_secs());
    }
    for (policy, decision) in by_tightness {
        let comma = if limits.is_empty() { "" } else { ", " };
        let _ = write!(limits, "{comma}\"{}\";r={};t={}", policy.name(), remaining(decision), seconds(decision));
    }
    for (name, text) in [(RATELIMIT_POLICY, policies), (RATELIMIT, limits)] {
        // A policy's name is of a-z, 0-9, - and _, so this is always a value.
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
    if !tightest.is_allowed() {
        // A policy that just gave its last would deny the next try, even after the wait of the one that denied.
        let empty = decisions.iter().filter(|(_, decision)| remaining(decision) == 0);
        let wait = empty.map(|(_, decision)| seconds(decision)).fold(seconds(tightest), u64::max);
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    headers
}

/// Writes the headers of a router's answers.
#[derive(Clone, Debug)]
pub struct RateHeaders {
    clock: Arc<dyn Clock>,
}

impl RateHeaders {
    /// Takes its time from `clock`, the limiters' own.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

/// Lays a [`RateLedger`] into the request, and writes what was noted onto the answer.
pub async fn stamp(State(state): State<RateHeaders>, mut request: Request, next: Next) -> Response {
    let ledger = request.extensions_mut().get_or_insert_default::<RateLedger>().clone();
    let mut response = next.run(request).await;
    let own = [LIMIT, REMAINING, RESET, RATELIMIT_POLICY, RATELIMIT];
    if response.extensions().get::<FromTarget>().is_some()
        && own.iter().any(|name| response.headers().contains_key(name))
    {
        // It counts by itself; halves of two tales would be no tale.
        return response;
    }
    let limited = response.status() == StatusCode::TOO_MANY_REQUESTS;
    for (name, value) in headers(&ledger.entries(), state.clock.now()) {
        let Some(name) = name else { continue };
        if name == RETRY_AFTER && !limited {
            continue;
        }
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use waypost_core::limits::{Algorithm, State as Kept};

    use super::*;

    const ALL: [Algorithm; 3] = [Algorithm::TokenBucket, Algorithm::SlidingWindow, Algorithm::FixedWindow];

    fn policy(name: &str, algorithm: Algorithm, quota: u32, seconds: u64) -> Policy {
        Policy::new(name, algorithm, quota, Duration::from_secs(seconds)).unwrap()
    }

    fn number(headers: &HeaderMap, name: &str) -> i64 {
        headers[name].to_str().unwrap().parse().unwrap()
    }

    /// The parameter of the first member.
    fn parameter(headers: &HeaderMap, name: &str, key: &str) -> i64 {
        let first = headers[name].to_str().unwrap().split(", ").next().unwrap().to_owned();
        let value = first.split(';').find_map(|part| part.strip_prefix(key)).unwrap().to_owned();
        value.trim_start_matches('=').parse().unwrap()
    }

    #[test]
    fn no_decision_no_headers() {
        assert!(headers(&[], Timestamp::UNIX_EPOCH).is_empty());
    }

    #[test]
    fn the_violated_policy_is_told_on_a_refusal_and_the_tightest_else() {
        let (burst, daily) = (policy("burst", ALL[2], 2, 10), policy("daily", ALL[2], 1_000, 86_400));
        let now = Timestamp::from_second(1_700_000_003).unwrap();
        let decide = |policy: &Policy, times: usize| {
            (0..times).fold((None, None), |(kept, _): (Option<Kept>, Option<Decision>), _| {
                let (kept, decision) = policy.decide(kept.as_ref(), 1, now);
                (Some(kept), Some(decision))
            })
        };
        let told = |burst_times, daily_times| {
            let burst = (burst.clone(), decide(&burst, burst_times).1.unwrap());
            let daily = (daily.clone(), decide(&daily, daily_times).1.unwrap());
            headers(&[burst, daily], now)
        };
        let fine = told(1, 900);
        assert_eq!((number(&fine, "x-ratelimit-limit"), number(&fine, "x-ratelimit-remaining")), (1_000, 100));
        assert!(!fine.contains_key(RETRY_AFTER));
        let refused = told(3, 999);
        assert_eq!((number(&refused, "x-ratelimit-limit"), number(&refused, "x-ratelimit-remaining")), (2, 0));
        assert_eq!(refused[RATELIMIT_POLICY], "\"burst\";q=2;w=10, \"daily\";q=1000;w=86400");
        assert_eq!(refused[RATELIMIT].to_str().unwrap().split(';').next(), Some("\"burst\""));
        assert_eq!(number(&refused, "retry-after"), 7);
    }

    #[test]
    fn a_second_decision_of_a_policy_replaces_the_first() {
        let ledger = RateLedger::default();
        let policy = policy("one", ALL[0], 5, 10);
        let (kept, first) = policy.decide(None, 1, Timestamp::UNIX_EPOCH);
        let (_, second) = policy.decide(Some(&kept), 1, Timestamp::UNIX_EPOCH);
        ledger.note(policy.clone(), first);
        ledger.note(policy.clone(), second);
        assert_eq!(ledger.entries(), [(policy, second)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn numbers_are_always_sound(
            quotas in prop::collection::vec((0..3usize, 1u32..20, 1u64..100), 1..4),
            asks in prop::collection::vec(0i64..5_000_000_000, 1..60),
        ) {
            let policies: Vec<Policy> = quotas.iter().enumerate()
                .map(|(at, (algorithm, quota, window))| policy(&format!("p{at}"), ALL[*algorithm], *quota, *window)).collect();
            let mut kept: Vec<Option<Kept>> = vec![None; policies.len()];
            let mut nanos = 1_700_000_000_123_456_789i128;
            for pause in asks {
                nanos += i128::from(pause);
                let now = Timestamp::from_nanosecond(nanos).unwrap();
                let decisions: Vec<_> = policies.iter().zip(&mut kept).map(|(policy, kept)| {
                    let (next, decision) = policy.decide(kept.as_ref(), 1, now);
                    *kept = Some(next);
                    (policy.clone(), decision)
                }).collect();
                let headers = headers(&decisions, now);
                let left = number(&headers, "x-ratelimit-remaining");
                prop_assert!((0..=number(&headers, "x-ratelimit-limit")).contains(&left));
                prop_assert!(i128::from(number(&headers, "x-ratelimit-reset")) * 1_000_000_000 >= nanos);
                prop_assert_eq!(parameter(&headers, "ratelimit", "r"), left);
                let refused = decisions.iter().any(|(_, decision)| !decision.is_allowed());
                prop_assert_eq!(headers.contains_key(RETRY_AFTER), refused);
                if refused {
                    let wait = number(&headers, "retry-after");
                    prop_assert!(wait >= 1 && wait >= parameter(&headers, "ratelimit", "t"));
                    let later = Timestamp::from_nanosecond(nanos + i128::from(wait) * 1_000_000_000).unwrap();
                    for (policy, kept) in policies.iter().zip(&kept) {
                        prop_assert!(policy.decide(kept.as_ref(), 1, later).1.is_allowed(), "waiting exactly that long is enough");
                    }
                }
            }
        }
    }
}
