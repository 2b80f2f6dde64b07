//! Policies, and the decision as a pure function of what came before.

use std::time::Duration;

use jiff::Timestamp;

/// How a policy counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// A bucket of `quota` tokens that refills evenly over the window: bursts up to the quota, the average held. The
    /// generic cell rate algorithm, so the whole state is one moment.
    TokenBucket,
    /// No window of that length, wherever it begins, holds more than the quota. The window is kept in 16 slices, and a
    /// slice counts in full until it has left the window entirely.
    SlidingWindow,
    /// The quota anew at each multiple of the window since the Unix epoch. Cheap and easily explained; up to twice the
    /// quota may pass around an edge.
    FixedWindow,
}

/// What a policy does while the store that counts is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenAway {
    /// Each node counts for itself.
    CountLocally,
    /// Everything is admitted.
    Admit,
    /// Nothing is admitted.
    Deny,
}

/// A named limit: `quota` in every `window`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    name: Box<str>,
    algorithm: Algorithm,
    quota: u32,
    window: Duration,
    /// What one costs in a token bucket, in nanoseconds. Rounded up: the refill is never faster than the policy says.
    token: i64,
    when_away: WhenAway,
}

/// Why a policy is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// A name that cannot stand in a header.
    #[error("a policy's name is 1 to 64 characters of a-z, 0-9, - and _")]
    Name,
    /// A quota of zero, or above a thousand million.
    #[error("a policy's quota is 1 to 1,000,000,000")]
    Quota,
    /// A window shorter than a second or longer than a month.
    #[error("a policy's window is a whole number of seconds, from 1 to 2,678,400")]
    Window,
}

impl Policy {
    /// Slices of a sliding window. More slices forget sooner and cost more to keep.
    pub const SLICES: usize = 16;

    /// A policy that counts locally while its store is away.
    ///
    /// # Errors
    /// [`InvalidPolicy`] names the bound.
    pub fn new(name: &str, algorithm: Algorithm, quota: u32, window: Duration) -> Result<Self, InvalidPolicy> {
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(letter) {
            return Err(InvalidPolicy::Name);
        }
        if !(1..=1_000_000_000).contains(&quota) {
            return Err(InvalidPolicy::Quota);
        }
        if !(1..=2_678_400).contains(&window.as_secs()) || window.subsec_nanos() != 0 {
            return Err(InvalidPolicy::Window);
        }
        let token = (window.as_nanos() as i64 + i64::from(quota) - 1) / i64::from(quota);
        Ok(Self { name: name.into(), algorithm, quota, window, token, when_away: WhenAway::CountLocally })
    }

    /// The same policy with another choice for when its store is away.
    #[must_use]
    pub fn when_away(self, when_away: WhenAway) -> Self {
        Self { when_away, ..self }
    }

    /// Its name, as in the header `RateLimit-Policy`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it counts.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How much is allowed in a window.
    pub fn quota(&self) -> u32 {
        self.quota
    }

    /// The window.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// What happens while the store is away.
    pub fn choice_when_away(&self) -> WhenAway {
        self.when_away
    }
}

/// What is kept of the past of one key under one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Token bucket: when the bucket would be full again, in nanoseconds since the Unix epoch.
    FullAt(i64),
    /// Windows: counts by slice, the newest first, and the number of the newest slice. A fixed window has one.
    Counts {
        /// The number of the newest slice since the Unix epoch.
        newest: i64,
        /// What was admitted in it and in those before it.
        counts: Vec<u32>,
    },
}

/// Whether it is allowed, and how things stand after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow(Standing),
    /// Not now: earliest after `retry_after`.
    Deny {
        /// How things stand.
        standing: Standing,
        /// The shortest wait after which the same cost can be admitted.
        retry_after: Duration,
    },
}

impl Decision {
    /// How things stand.
    pub fn standing(&self) -> Standing {
        match self {
            Self::Allow(standing) | Self::Deny { standing, .. } => *standing,
        }
    }

    /// How long to wait; nothing, where it is allowed.
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Allow(_) => Duration::ZERO,
            Self::Deny { retry_after, .. } => *retry_after,
        }
    }

    /// Whether it is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

/// How things stand under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The quota.
    pub limit: u32,
    /// What could be admitted now.
    pub remaining: u32,
    /// How long until the full quota is there again.
    pub reset: Duration,
}

impl Policy {
    /// Decides on `cost` at `now`, given what is kept, and says what to keep.
    ///
    /// A state of another algorithm (the policy was changed) counts as none. A cost above the quota is never allowed.
    pub fn decide(&self, state: Option<&State>, cost: u32, now: Timestamp) -> (State, Decision) {
        let nanos = now.as_second().saturating_mul(1_000_000_000).saturating_add(i64::from(now.subsec_nanosecond()));
        match self.algorithm {
            Algorithm::TokenBucket => self.decide_bucket(state, cost, nanos),
            Algorithm::SlidingWindow => self.decide_window(state, cost, nanos, Self::SLICES as i64),
            Algorithm::FixedWindow => self.decide_window(state, cost, nanos, 1),
        }
    }

    /// In whole nanoseconds of 64 bits: a month of them is 2^52, and what could be more saturates.
    fn decide_bucket(&self, state: Option<&State>, cost: u32, now: i64) -> (State, Decision) {
        let full_at = match state {
            Some(State::FullAt(at)) => (*at).max(now),
            _ => now,
        };
        let capacity = self.token * i64::from(self.quota);
        let asked = full_at.saturating_add(self.token.saturating_mul(i64::from(cost)));
        let over = asked.saturating_sub(now) - capacity;
        let standing = |full_at: i64| Standing {
            limit: self.quota,
            remaining: ((capacity - (full_at - now)) / self.token).clamp(0, i64::from(self.quota)) as u32,
            reset: wait(full_at - now),
        };
        if over <= 0 {
            (State::FullAt(asked), Decision::Allow(standing(asked)))
        } else {
            (State::FullAt(full_at), Decision::Deny { standing: standing(full_at), retry_after: wait(over) })
        }
    }

    fn decide_window(&self, state: Option<&State>, cost: u32, now: i64, slices: i64) -> (State, Decision) {
        let slice = (self.window.as_nanos() as i64 / slices).max(1);
        // A sliding window keeps one slice more than it has: the oldest, of which a part may still lie inside.
        let kept = if slices == 1 { 1 } else { slices as usize + 1 };
        let current = now.div_euclid(slice);
        let mut counts = vec![0; kept];
        let mut newest = current;
        if let Some(State::Counts { newest: then, counts: old }) = state {
            // A clock that went back counts into the newest slice that there is.
            newest = current.max(*then);
            let age = usize::try_from(newest - then).unwrap_or(usize::MAX);
            for (at, count) in old.iter().enumerate().take(kept) {
                if let Some(slot) = counts.get_mut(at.saturating_add(age)) {
                    *slot = *count;
                }
            }
        }
        let used: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        let free = u64::from(self.quota).saturating_sub(used);
        // A slice that lies `at` slices back leaves the window when the newest slice has moved on by `kept - at`.
        let leaves = |at: usize| wait((newest + (kept - at) as i64).saturating_mul(slice).saturating_sub(now));
        let reset = |counts: &[u32]| counts.iter().position(|count| *count > 0).map_or(Duration::ZERO, leaves);
        if u64::from(cost) <= free {
            counts[0] = counts[0].saturating_add(cost);
            let remaining = (free - u64::from(cost)) as u32;
            let standing = Standing { limit: self.quota, remaining, reset: reset(&counts) };
            return (State::Counts { newest, counts }, Decision::Allow(standing));
        }
        let mut missing = u64::from(cost) - free;
        let mut retry_after = leaves(0);
        for (at, count) in counts.iter().enumerate().rev() {
            missing = missing.saturating_sub(u64::from(*count));
            if missing == 0 {
                retry_after = leaves(at);
                break;
            }
        }
        let standing = Standing { limit: self.quota, remaining: free as u32, reset: reset(&counts) };
        (State::Counts { newest, counts }, Decision::Deny { standing, retry_after })
    }
}

fn wait(nanos: i64) -> Duration {
    Duration::from_nanos(nanos.max(0).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Algorithm; 3] = [Algorithm::TokenBucket, Algorithm::SlidingWindow, Algorithm::FixedWindow];

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanosecond(i128::from(nanos)).unwrap()
    }

    fn policy(algorithm: Algorithm, quota: u32, seconds: u64) -> Policy {
        Policy::new("test", algorithm, quota, Duration::from_secs(seconds)).unwrap()
    }

    #[test]
    fn a_sliding_window_has_no_double_burst_at_an_edge() {
        let policy = policy(Algorithm::SlidingWindow, 10, 16);
        let mut state = None;
        let mut admitted = 0;
        for second in [15, 16, 17, 30, 31] {
            for _ in 0..20 {
                let (next, decision) = policy.decide(state.as_ref(), 1, at(second * 1_000_000_000));
                state = Some(next);
                admitted += u32::from(decision.is_allowed());
            }
        }
        assert_eq!(admitted, 10, "all within sixteen seconds and a slice");
    }

    #[test]
    fn a_cost_above_the_quota_is_never_allowed_and_takes_nothing() {
        for algorithm in ALL {
            let policy = policy(algorithm, 5, 60);
            let (state, decision) = policy.decide(None, 6, at(1));
            assert!(!decision.is_allowed());
            assert_eq!(policy.decide(Some(&state), 5, at(1)).1.standing().remaining, 0);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn who_waits_as_told_is_admitted(
            algorithm in 0..3usize, quota in 1u32..50, window in 1u64..120,
            asks in prop::collection::vec((0i64..20_000_000_000, 1u32..4), 1..200),
        ) {
            let policy = policy(ALL[algorithm], quota, window);
            let (mut state, mut now) = (None, 1_700_000_000_000_000_000);
            for (pause, cost) in asks {
                now += pause;
                let (next, decision) = policy.decide(state.as_ref(), cost, at(now));
                if let Decision::Deny { retry_after, .. } = decision && cost <= quota {
                    let later = now + retry_after.as_nanos() as i64;
                    prop_assert!(policy.decide(Some(&next), cost, at(later)).1.is_allowed());
                }
                let full = now + decision.standing().reset.as_nanos() as i64;
                prop_assert!(policy.decide(Some(&next), quota, at(full)).1.is_allowed(), "the full quota after the reset");
                state = Some(next);
            }
        }

        #[test]
        fn a_sliding_window_admits_no_more_than_its_quota_in_any_window(
            quota in 1u32..30, pauses in prop::collection::vec(0i64..3_000_000_000, 1..300),
        ) {
            let policy = policy(Algorithm::SlidingWindow, quota, 16);
            let (mut state, mut now, mut admitted) = (None, 1_700_000_000_000_000_000i64, Vec::new());
            for pause in pauses {
                now += pause;
                let (next, decision) = policy.decide(state.as_ref(), 1, at(now));
                state = Some(next);
                if decision.is_allowed() {
                    admitted.push(now);
                }
            }
            for first in &admitted {
                let within = admitted.iter().filter(|at| (*first..*first + 16_000_000_000).contains(*at)).count();
                prop_assert!(within <= quota as usize);
            }
        }
    }
}
