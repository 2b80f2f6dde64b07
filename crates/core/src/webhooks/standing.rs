//! How an endpoint has been doing, and what that means for its next delivery.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

/// How many failures in a row open the circuit. 20: more than what one delivery, or a receiver that is wrong now and then,
/// comes to by itself.
const OPENS: u32 = 20;
/// How long the circuit is open at first; doubles with each probe that fails.
const OPEN_FIRST: Duration = Duration::from_secs(10);
/// How long it is open at most: a receiver that comes back is noticed within five minutes.
const OPEN_LONGEST: Duration = Duration::from_secs(5 * 60);
/// After how many failures in a row a receiver is left alone that says it is overloaded and not for how long: one of several
/// servers behind an address may be. Before, it gets fewer calls at a time.
const THROTTLES: u32 = 5;
/// How long it is left alone; doubles, up to a minute.
const THROTTLE_FIRST: Duration = Duration::from_secs(1);
const THROTTLE_LONGEST: Duration = Duration::from_secs(60);
/// The longest `Retry-After` that is believed.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);
/// After how long without a success an endpoint is disabled (contract §11).
pub(super) const DISABLED_AFTER: Duration = Duration::from_secs(5 * 24 * 3_600);
/// After how long its owner is warned: on the first day, in the middle, and a day before.
pub(super) const WARNED_AFTER: [Duration; 3] =
    [Duration::from_secs(24 * 3_600), Duration::from_secs(3 * 24 * 3_600), Duration::from_secs(4 * 24 * 3_600)];

/// How an endpoint has been doing. Kept with its queue, so all nodes know it, and it outlives each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many calls failed since the last that did not.
    pub failures: u32,
    /// When the first of them was made.
    pub failing_since: Option<Timestamp>,
    /// How often its owner has been warned of that.
    pub warnings: u8,
    /// Nothing is sent before this moment: the circuit is open, or the receiver asked for it.
    pub paused_until: Option<Timestamp>,
    /// When its rate is all there again; before, some of it is used up.
    pub full_at: Option<Timestamp>,
}

impl Standing {
    /// Notes a success of a call that was made at `at`: the circuit is closed. A pause that began while it was under way stays,
    /// since the receiver may have asked for it.
    pub fn succeeded(&mut self, at: Timestamp) {
        let paused_until = self.paused_until.filter(|until| at < *until);
        *self = Self { full_at: self.full_at, paused_until, ..Self::default() };
    }

    /// Notes a failure of a call that was made at `at` and ended at `now`.
    pub fn failed(&mut self, at: Timestamp, now: Timestamp, load: Load) {
        self.failing_since.get_or_insert(at);
        // It was under way when the pause began, and tells nothing new: many that fail together are one failure.
        let is_old = self.paused_until.is_some_and(|until| at < until);
        if !is_old {
            self.failures = self.failures.saturating_add(1);
        }
        let pause = match load {
            Load::Fine => None,
            Load::Over(Some(asked)) => Some(asked.min(PATIENCE)),
            Load::Over(None) if is_old => None,
            Load::Over(None) => {
                self.failures.checked_sub(THROTTLES).map(|past| doubled(THROTTLE_FIRST, past, THROTTLE_LONGEST))
            }
        };
        let open =
            self.failures.checked_sub(OPENS).filter(|_| !is_old).map(|past| doubled(OPEN_FIRST, past, OPEN_LONGEST));
        if let Some(pause) = pause.max(open) {
            self.paused_until = self.paused_until.max(Some(now + pause));
        }
    }

    /// Forgets what was noted before the endpoint was changed at `at`: it says nothing of what the endpoint is now. So one
    /// that its owner has mended, and enabled again, begins anew.
    pub fn since_change(&mut self, at: Timestamp) {
        if self.failing_since.is_some_and(|since| since < at) {
            self.succeeded(Timestamp::MAX);
        }
    }

    /// How many of `concurrency` calls may be under way: with the circuit half open, one, to see.
    pub fn allowed(&self, concurrency: u16) -> u16 {
        if self.failures >= OPENS { 1 } else { concurrency }
    }

    /// Whether nothing may be sent now, and until when.
    pub fn pause(&self, now: Timestamp) -> Option<Timestamp> {
        self.paused_until.filter(|until| *until > now)
    }

    /// Takes one call from a rate of so many a second, of which a second's worth may come at once (GCRA).
    ///
    /// # Errors
    /// When the next one may be made.
    pub fn take(&mut self, rate: NonZeroU32, now: Timestamp) -> Result<(), Timestamp> {
        let one = Duration::from_secs(1) / rate.get();
        let full_at = self.full_at.unwrap_or(now).max(now) + one;
        let next = full_at - Duration::from_secs(1);
        if next > now {
            return Err(next);
        }
        self.full_at = Some(full_at);
        Ok(())
    }

    /// What its owner is to be told now, if anything.
    pub fn verdict(&self, now: Timestamp) -> Option<Notice> {
        let failing = now.duration_since(self.failing_since?).unsigned_abs();
        if failing >= DISABLED_AFTER {
            return Some(Notice::Disable);
        }
        let due = WARNED_AFTER.iter().filter(|after| failing >= **after).count();
        (due > usize::from(self.warnings)).then_some(Notice::Warn(due as u8))
    }
}

/// What a receiver said of its load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Nothing.
    Fine,
    /// That it has too much to do (429, 502, 503, 504), and perhaps when to come back.
    Over(Option<Duration>),
}

/// What the owner of an endpoint that keeps failing is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// That it will be disabled: the n-th warning.
    Warn(u8),
    /// That it is disabled.
    Disable,
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn seconds(standing: &Standing) -> i64 {
        standing.pause(NOW).map_or(0, |until| until.as_second())
    }

    /// The seconds that a call after the pause finds as its own pause, when it fails as well.
    fn waits(standing: &mut Standing, load: Load, times: usize) -> Vec<i64> {
        let mut waits = Vec::new();
        for _ in 0..times {
            let at = standing.paused_until.unwrap_or(NOW);
            standing.failed(at, at, load);
            waits.push(standing.pause(at).map_or(0, |until| until.duration_since(at).as_secs()));
        }
        waits
    }

    #[test]
    fn twenty_failures_open_the_circuit_and_a_success_closes_it() {
        let mut standing = Standing::default();
        waits(&mut standing, Load::Fine, 19);
        assert_eq!((seconds(&standing), standing.allowed(64)), (0, 64));
        assert_eq!(waits(&mut standing, Load::Fine, 7), [10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(standing.allowed(64), 1, "half open: one probe");
        let after = standing.paused_until.unwrap_or(NOW);
        standing.succeeded(after);
        assert_eq!((standing.pause(after), standing.allowed(64)), (None, 64));
    }

    #[test]
    fn many_that_fail_together_open_it_once() {
        let mut standing = Standing::default();
        for _ in 0..500 {
            standing.failed(NOW, NOW, Load::Fine);
        }
        assert_eq!((seconds(&standing), standing.failures), (10, OPENS));
        let mut standing = Standing::default();
        for _ in 0..500 {
            standing.failed(NOW, NOW, Load::Over(None));
        }
        assert_eq!(seconds(&standing), 1);
    }

    #[test]
    fn a_receiver_that_is_overloaded_is_left_alone_for_as_long_as_it_says() {
        let mut standing = Standing::default();
        standing.failed(NOW, NOW, Load::Over(Some(Duration::from_secs(90))));
        standing.failed(NOW, NOW, Load::Over(Some(Duration::from_secs(5))));
        assert_eq!(seconds(&standing), 90, "a shorter wait does not undo a longer one");
        standing.succeeded(NOW);
        assert_eq!(seconds(&standing), 90, "nor does a call that was under way");
        assert_eq!(waits(&mut Standing::default(), Load::Over(None), 12), [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        standing.failed(NOW, NOW, Load::Over(Some(Duration::MAX)));
        assert_eq!(seconds(&standing), 86_400);
    }

    #[test]
    fn a_rate_allows_a_seconds_worth_at_once_and_then_one_at_a_time() {
        let (mut standing, rate) = (Standing::default(), NonZeroU32::new(4).unwrap());
        let allowed = (0..10).take_while(|_| standing.take(rate, NOW).is_ok()).count();
        assert_eq!(allowed, 4);
        let next = standing.take(rate, NOW).unwrap_err();
        assert_eq!(next.as_millisecond(), 250);
        assert!(standing.take(rate, next).is_ok() && standing.take(rate, next).is_err());
    }

    #[test]
    fn an_owner_is_warned_three_times_and_then_the_endpoint_is_disabled() {
        const HOUR: u64 = 3_600;
        let mut standing = Standing::default();
        standing.failed(NOW, NOW, Load::Fine);
        let after = |standing: &Standing, hours: u64| standing.verdict(NOW + Duration::from_secs(hours * HOUR));
        assert_eq!(after(&standing, 23), None);
        assert_eq!(after(&standing, 24), Some(Notice::Warn(1)));
        assert_eq!(after(&standing, 100), Some(Notice::Warn(3)), "missed ones are not made up for");
        standing.warnings = 3;
        assert_eq!(after(&standing, 119), None);
        assert_eq!(after(&standing, 120), Some(Notice::Disable));
        standing.succeeded(NOW);
        assert_eq!(after(&standing, 1_000), None);
    }
}
