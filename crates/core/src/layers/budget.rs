//! How many repetitions there may be in all.

use std::sync::atomic::{AtomicU32, Ordering};

/// What a repetition costs, in the parts that a success earns: ten successes earn one repetition.
const COST: u32 = 10;

/// Repetitions that are left, shared by all calls: each takes one, and successes earn them back, one in ten.
///
/// A count for each call alone would multiply an outage: three tries a call are three times the load on what is down
/// already. With a budget, repetitions come to a tenth of what succeeds, and to nothing when nothing does.
#[derive(Debug)]
pub struct Budget {
    parts: AtomicU32,
    most: u32,
}

impl Budget {
    /// A budget that is full at `most` repetitions, and begins full.
    pub fn new(most: u32) -> Self {
        let most = most.saturating_mul(COST);
        Self { parts: AtomicU32::new(most), most }
    }

    /// Notes a call that succeeded at once.
    pub fn earn(&self) {
        // Mostly it is full, and then nobody writes to what all share.
        if self.parts.load(Ordering::Relaxed) < self.most {
            let earned = |parts: u32| (parts < self.most).then_some(parts + 1);
            let _ = self.parts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, earned);
        }
    }

    /// Takes one repetition, if there is one.
    pub fn take(&self) -> bool {
        self.parts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |parts| parts.checked_sub(COST)).is_ok()
    }
}

impl Default for Budget {
    /// A hundred: enough for the calls in flight when a pool of connections is cut at once.
    fn default() -> Self {
        Self::new(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_up_comes_back_at_one_in_ten_and_never_beyond_the_full() {
        let budget = Budget::new(2);
        assert!(budget.take() && budget.take() && !budget.take());
        (0..9).for_each(|_| budget.earn());
        assert!(!budget.take());
        budget.earn();
        assert!(budget.take() && !budget.take());
        (0..1_000).for_each(|_| budget.earn());
        assert!(budget.take() && budget.take() && !budget.take());
    }
}
