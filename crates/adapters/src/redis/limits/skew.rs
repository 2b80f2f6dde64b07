//! How far this node's clock is from the one that all nodes share.

use std::sync::atomic::{AtomicI64, Ordering};

/// A skew below this is left alone, in microseconds: clocks that are kept by NTP are closer, and a moment of the caller
/// is worth more than a guess.
const TOLERATED: i64 = 500_000;

/// How long a measurement is believed, in microseconds: a clock that is set anew is found out within so much.
const BELIEVED: i64 = 1_000_000;

/// By how much this node's clock is ahead of the server's, in microseconds; negative when it is behind.
#[derive(Debug)]
pub(super) struct Skew {
    skew: AtomicI64,
    asked: AtomicI64,
}

impl Skew {
    const UNKNOWN: i64 = i64::MIN;

    /// Not known yet.
    pub(super) fn new() -> Self {
        Self { skew: AtomicI64::new(Self::UNKNOWN), asked: AtomicI64::new(0) }
    }

    /// What a moment of this node is to be corrected by; `None` before the first measurement.
    pub(super) fn known(&self) -> Option<i64> {
        // A number by itself, which orders nothing.
        let skew = self.skew.load(Ordering::Relaxed);
        (skew != Self::UNKNOWN).then_some(skew)
    }

    /// Whether a call that is made now should measure it. Says so to one caller a second.
    pub(super) fn is_due(&self, now: i64) -> bool {
        let asked = self.asked.load(Ordering::Relaxed);
        now.abs_diff(asked) >= BELIEVED.unsigned_abs()
            && self.asked.compare_exchange(asked, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Learns from one round trip: this node's moments before and after it, and the server's in between.
    pub(super) fn learn(&self, before: i64, after: i64, server: i64) {
        // The least skew that explains what was seen: a slow answer is no skew.
        let (ahead, behind) = (before.saturating_sub(server), server.saturating_sub(after));
        let skew = match () {
            () if ahead > TOLERATED => ahead,
            () if behind > TOLERATED => -behind,
            () => 0,
        };
        self.skew.store(skew, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(before: i64, after: i64, server: i64) -> Option<i64> {
        let skew = Skew::new();
        skew.learn(before, after, server);
        skew.known()
    }

    #[test]
    fn it_is_measured_once_a_second_and_after_every_jump() {
        let skew = Skew::new();
        let due = [5_000_000, 5_000_001, 5_999_999, 6_000_000, 6_500_000, 4_000_000].map(|now| skew.is_due(now));
        assert_eq!(due, [true, false, false, true, false, true]);
    }

    #[test]
    fn only_what_no_slow_answer_explains_is_a_skew() {
        assert_eq!(Skew::new().known(), None);
        assert_eq!(learnt(10_000_000, 10_000_400, 10_000_200), Some(0));
        assert_eq!(learnt(10_000_000, 15_000_000, 10_000_100), Some(0), "the answer took five seconds");
        assert_eq!(learnt(10_000_000, 10_000_400, 10_499_000), Some(0));
        assert_eq!(learnt(70_000_000, 70_000_400, 10_000_000), Some(60_000_000));
        assert_eq!(learnt(10_000_000, 10_000_400, 70_000_400), Some(-60_000_000));
    }
}
