//! How long to wait before another try.

use std::time::Duration;

use crate::entropy::Entropy;

/// Exponential backoff with full jitter: the n-th wait is drawn evenly from zero to `first · 2ⁿ`, held at `longest`.
///
/// Full jitter, since many that fail together must not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure.
    pub first: Duration,
    /// The longest wait of all.
    pub longest: Duration,
}

impl Backoff {
    /// The longest wait after `failures` failures in a row.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }

    /// Draws the wait after `failures` failures in a row.
    pub fn wait(&self, failures: u32, entropy: &dyn Entropy) -> Duration {
        let mut bytes = [0; 4];
        entropy.fill(&mut bytes);
        self.ceiling(failures).mul_f64(f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn waits_double_up_to_the_longest_and_are_spread_over_the_whole_range() {
        let backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };
        let ceilings: Vec<_> = (1..=8).map(|n| backoff.ceiling(n).as_millis()).collect();
        assert_eq!(ceilings, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(backoff.ceiling(u32::MAX), backoff.longest);

        let entropy = SeededEntropy::new(5);
        let drawn: Vec<_> = (0..1_000).map(|_| backoff.wait(4, &entropy)).collect();
        assert!(drawn.iter().all(|wait| *wait <= backoff.ceiling(4)));
        assert!(drawn.iter().any(|wait| wait.as_millis() < 80) && drawn.iter().any(|wait| wait.as_millis() > 720));
    }
}
