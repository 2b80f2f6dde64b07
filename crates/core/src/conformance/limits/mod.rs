//! The cases of [`crate::limits::RateLimiter`].
//!
//! Each runs under every algorithm. The moments lie well away from the edges of fixed windows, unless the edge is what
//! a case is about.

mod exactness;
mod standing;

use super::suite::suite;

suite! {
    /// Proves a [`crate::limits::RateLimiter`], given in an `Arc`.
    limits as __limits_suite {
        exactness:
            of_many_who_ask_at_once_the_quota_is_admitted,
            costs_that_race_never_exceed_the_quota,
            the_quota_comes_back_with_time,
            decisions_agree_with_the_policy,
            a_sliding_window_holds_wherever_it_begins,
            a_clock_that_goes_back_gives_nothing;
        standing:
            who_waits_as_told_is_admitted,
            remaining_is_what_can_be_admitted,
            after_reset_the_full_quota_is_there,
            keys_do_not_touch_each_other,
            policies_do_not_touch_each_other,
            a_cost_that_is_denied_takes_nothing,
            a_cost_above_the_quota_is_never_admitted;
    }
}

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::limits::{Algorithm, Decision, Policy, RateLimiter};

type Limiter = Arc<dyn RateLimiter>;

const ALL: [Algorithm; 3] = [Algorithm::TokenBucket, Algorithm::SlidingWindow, Algorithm::FixedWindow];

/// A policy of a name that is its algorithm's, so no two cases of one subject meet.
fn policy(algorithm: Algorithm, quota: u32, window: u64) -> Policy {
    let name = match algorithm {
        Algorithm::TokenBucket => "bucket",
        Algorithm::SlidingWindow => "sliding",
        Algorithm::FixedWindow => "fixed",
    };
    Policy::new(name, algorithm, quota, Duration::from_secs(window)).expect("a valid policy")
}

async fn decided(limiter: &Limiter, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Decision {
    limiter.decide(policy, key, cost, now).await.expect("a decision")
}
