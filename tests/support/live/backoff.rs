//! How long to wait before the next attempt.

use std::time::Duration;

use super::Manner;
use crate::support::dice::Dice;

/// Attempts that failed one after another.
pub(super) struct Backoff {
    dice: Dice,
    failed: u32,
}

impl Backoff {
    /// With numbers of its own, so that clients that broke together do not come together.
    pub(super) fn new(seed: u64) -> Self {
        Self { dice: Dice::seeded(seed), failed: 0 }
    }

    /// A session stood: the next wait is the shortest again.
    pub(super) fn succeeded(&mut self) {
        self.failed = 0;
    }

    /// Anything from nothing to the longest wait that is due (full jitter).
    pub(super) fn next(&mut self, manner: &Manner) -> Duration {
        let most = manner.least_wait.saturating_mul(1 << self.failed.min(16)).min(manner.most_wait);
        self.failed += 1;
        Duration::from_micros(self.dice.throw(0..u64::try_from(most.as_micros()).unwrap_or(u64::MAX).max(1)))
    }
}
