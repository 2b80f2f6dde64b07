//! Setting aside a target whose requests fail one after the other, while others do well.
//!
//! Unlike the [breaker](super::breaker), which looks at one target alone, it never takes more than half of them away: when
//! all fail, the fault lies elsewhere, and the last targets must not be lost to it.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// When a target is set aside, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EjectionOptions {
    /// After how many failures in a row.
    pub failures: u32,
    /// For how long the first time; twice as long the second time, and so on.
    pub time: Duration,
    /// For how long at most.
    pub longest: Duration,
}

/// How one target stands. Atomics alone: every request reads it.
#[derive(Debug, Default)]
pub struct Standing {
    failures: AtomicU32,
    /// How often it was set aside lately.
    times: AtomicU32,
    /// Until when it is, in microseconds of Unix time.
    until: AtomicI64,
}

impl Standing {
    /// Until when it is set aside, if it is.
    pub fn ejected(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.until.load(Ordering::Relaxed);
        (now.as_microsecond() < until).then(|| Timestamp::from_microsecond(until).unwrap_or(Timestamp::MAX))
    }

    /// Notes a good answer.
    pub fn succeeded(&self, now: Timestamp) {
        if self.failures.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.failures.store(0, Ordering::Relaxed);
        // Who stays well as long as he was away is forgiven one time.
        let times = self.times.load(Ordering::Relaxed);
        if times > 0 && now.as_microsecond() > self.until.load(Ordering::Relaxed) {
            self.times.store(times - 1, Ordering::Relaxed);
        }
    }

    /// Notes a failure. Says whether the target has now failed often enough to be set aside.
    pub fn failed(&self, options: &EjectionOptions) -> bool {
        self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= options.failures
    }

    /// Sets it aside. Says until when.
    pub fn eject(&self, options: &EjectionOptions, now: Timestamp) -> Timestamp {
        let times = self.times.load(Ordering::Relaxed);
        let wait = options.time.saturating_mul(1 << times.min(20)).min(options.longest);
        let until = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        self.times.store(times.saturating_add(1), Ordering::Relaxed);
        self.failures.store(0, Ordering::Relaxed);
        self.until.store(until.as_microsecond(), Ordering::Relaxed);
        until
    }
}

/// Whether of so many targets that could take requests enough stay: half, and one at least.
pub fn leaves_enough(able: usize, stay: usize) -> bool {
    stay > 0 && stay * 2 >= able
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: EjectionOptions =
        EjectionOptions { failures: 3, time: Duration::from_secs(10), longest: Duration::from_secs(35) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).expect("a moment")
    }

    #[test]
    fn failures_in_a_row_count_and_a_good_answer_ends_the_row() {
        let standing = Standing::default();
        assert!(!standing.failed(&OPTIONS) && !standing.failed(&OPTIONS));
        standing.succeeded(at(0));
        assert!(!standing.failed(&OPTIONS) && !standing.failed(&OPTIONS) && standing.failed(&OPTIONS));
    }

    #[test]
    fn each_time_is_longer_up_to_the_longest() {
        let standing = Standing::default();
        for (now, until) in [(0, 10), (10, 30), (30, 65), (65, 100)] {
            assert_eq!(standing.ejected(at(now)), None);
            assert_eq!(standing.eject(&OPTIONS, at(now)), at(until));
            assert_eq!(standing.ejected(at(until - 1)), Some(at(until)));
        }
    }

    #[test]
    fn never_more_than_half() {
        let most = |able: usize| (0..able).take_while(|ejected| leaves_enough(able, able - ejected - 1)).count();
        assert_eq!([0, 1, 2, 3, 4, 5].map(most), [0, 0, 1, 1, 2, 2]);
    }
}
