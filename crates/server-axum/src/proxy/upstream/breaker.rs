//! A circuit breaker: a target that mostly fails is given a rest, and then tried with one request at a time.
//!
//! *Closed*: everything passes and is counted by windows; once enough of a window's requests failed it opens. *Open*:
//! nothing passes until the rest is over. *Half open*: one trial at a time passes; after some good ones in a row it
//! closes, after a bad one it opens again.

use std::time::Duration;

use jiff::Timestamp;

/// When it opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BreakerOptions {
    /// How long requests are counted together.
    pub window: Duration,
    /// How many requests a window must have had.
    pub requests: u32,
    /// How many in a hundred of them must have failed.
    pub failure_percent: u32,
    /// How long the rest is.
    pub open_for: Duration,
    /// How many trials must go well.
    pub trials: u32,
}

/// The state of one breaker. A pure value: the time comes in, decisions come out.
#[derive(Debug)]
pub struct Breaker {
    options: BreakerOptions,
    state: State,
}

#[derive(Debug)]
enum State {
    Closed { since: Timestamp, requests: u32, failures: u32 },
    Open { until: Timestamp },
    HalfOpen { good: u32, on_trial: bool },
}

/// Whether a request may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// It may.
    Yes,
    /// It may, as a trial: what becomes of it must be told, also if nothing does.
    Trial,
    /// Not before this moment.
    No(Timestamp),
}

impl Breaker {
    /// A breaker that is closed.
    pub fn new(options: BreakerOptions) -> Self {
        Self { options, state: State::Closed { since: Timestamp::MIN, requests: 0, failures: 0 } }
    }

    /// Whether a request could pass, without letting it.
    pub fn looks(&self, now: Timestamp) -> Pass {
        match self.state {
            State::Closed { .. } => Pass::Yes,
            State::Open { until } if now < until => Pass::No(until),
            State::Open { .. } | State::HalfOpen { on_trial: false, .. } => Pass::Trial,
            // Soon: the trial under way decides.
            State::HalfOpen { on_trial: true, .. } => Pass::No(now + Duration::from_secs(1)),
        }
    }

    /// Lets a request pass, or not.
    pub fn pass(&mut self, now: Timestamp) -> Pass {
        let pass = self.looks(now);
        if pass == Pass::Trial {
            let good = if let State::HalfOpen { good, .. } = self.state { good } else { 0 };
            self.state = State::HalfOpen { good, on_trial: true };
        }
        pass
    }

    /// Notes what became of a request that passed.
    pub fn note(&mut self, pass: Pass, succeeded: bool, now: Timestamp) {
        match (&mut self.state, pass) {
            (State::Closed { since, requests, failures }, Pass::Yes) => {
                if now.duration_since(*since) >= jiff_of(self.options.window) {
                    (*since, *requests, *failures) = (now, 0, 0);
                }
                *requests = requests.saturating_add(1);
                *failures = failures.saturating_add(u32::from(!succeeded));
                let share =
                    u64::from(*failures) * 100 >= u64::from(*requests) * u64::from(self.options.failure_percent);
                if !succeeded && *requests >= self.options.requests && share {
                    self.state = State::Open { until: now + self.options.open_for };
                }
            }
            (State::HalfOpen { good, on_trial }, Pass::Trial) => {
                *on_trial = false;
                *good += 1;
                if !succeeded {
                    self.state = State::Open { until: now + self.options.open_for };
                } else if *good >= self.options.trials {
                    self.state = State::Closed { since: now, requests: 0, failures: 0 };
                }
            }
            // What was sent before it opened says nothing new.
            _ => {}
        }
    }

    /// Notes that a trial came to no end: its caller left.
    pub fn forget(&mut self, pass: Pass) {
        if let (State::HalfOpen { on_trial, .. }, Pass::Trial) = (&mut self.state, pass) {
            *on_trial = false;
        }
    }

    /// The name of the state, for metrics and logs.
    pub fn state(&self) -> &'static str {
        match self.state {
            State::Closed { .. } => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half_open",
        }
    }
}

fn jiff_of(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: BreakerOptions = BreakerOptions {
        window: Duration::from_secs(10),
        requests: 4,
        failure_percent: 50,
        open_for: Duration::from_secs(5),
        trials: 2,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).expect("a moment")
    }

    fn ask(breaker: &mut Breaker, succeeds: bool, second: i64) -> Pass {
        let pass = breaker.pass(at(second));
        if !matches!(pass, Pass::No(_)) {
            breaker.note(pass, succeeds, at(second));
        }
        pass
    }

    fn fail(breaker: &mut Breaker, times: usize, second: i64) {
        for _ in 0..times {
            ask(breaker, false, second);
        }
    }

    #[test]
    fn it_opens_at_the_share_of_enough_requests_and_closes_after_good_trials() {
        let mut breaker = Breaker::new(OPTIONS);
        for succeeds in [false, true, false] {
            assert_eq!(ask(&mut breaker, succeeds, 0), Pass::Yes);
        }
        assert_eq!(breaker.state(), "closed", "three are too few");
        ask(&mut breaker, false, 1);
        assert_eq!(ask(&mut breaker, true, 2), Pass::No(at(6)));
        assert_eq!(breaker.pass(at(6)), Pass::Trial);
        assert!(matches!(breaker.pass(at(6)), Pass::No(_)), "one trial at a time");
        breaker.note(Pass::Trial, true, at(6));
        assert_eq!(ask(&mut breaker, true, 6), Pass::Trial);
        assert_eq!(breaker.state(), "closed");
        assert_eq!(ask(&mut breaker, false, 6), Pass::Yes, "it begins anew");
    }

    #[test]
    fn a_bad_trial_opens_it_again_and_a_lost_one_lets_the_next_try() {
        let mut breaker = Breaker::new(OPTIONS);
        fail(&mut breaker, 4, 0);
        assert_eq!(ask(&mut breaker, false, 5), Pass::Trial);
        assert_eq!(breaker.pass(at(9)), Pass::No(at(10)));
        assert_eq!(breaker.pass(at(10)), Pass::Trial);
        breaker.forget(Pass::Trial);
        assert_eq!(breaker.pass(at(10)), Pass::Trial);
    }

    #[test]
    fn what_failed_in_an_earlier_window_is_forgotten() {
        let mut breaker = Breaker::new(OPTIONS);
        fail(&mut breaker, 3, 0);
        fail(&mut breaker, 3, 10);
        assert_eq!(breaker.state(), "closed");
        breaker.note(Pass::Trial, false, at(10));
        assert_eq!(breaker.state(), "closed", "a trial of another life");
    }
}
