//! Time comes in through [`Clock`]; this is the one file that asks the machine for it.
#![allow(clippy::disallowed_methods, reason = "the one file in which the machine's time is read")]

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use std::future::Future;
use std::pin::Pin;
use tokio::sync::watch;

/// The time, and a way to wait for it.
///
/// Every port call and engine step takes its moment from a clock, so a test moves time by hand and never sleeps.
pub trait Clock: Debug + Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;

    /// Returns once `now()` has reached `at`. Cancel safe.
    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The machine's clock, to the microsecond: what stores keep and the wire shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Put together by hand: each request asks several times, and conversions cost as much as the question.
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (seconds, nanos) = (since.as_secs(), since.subsec_micros() * 1_000);
        match (i64::try_from(seconds), i32::try_from(nanos)) {
            (Ok(seconds), Ok(nanos)) => Timestamp::new(seconds, nanos).unwrap_or(Timestamp::MAX),
            _ => Timestamp::MAX,
        }
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let wait = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO);
        Box::pin(tokio::time::sleep(wait))
    }
}

/// A clock that stands still until it is told to [`advance`](ManualClock::advance).
///
/// ```
/// use std::time::Duration;
/// use waypost_core::clock::{Clock, ManualClock};
///
/// let clock = ManualClock::new("2026-01-01T00:00:00Z".parse()?);
/// let before = clock.now();
/// clock.advance(Duration::from_secs(3));
/// assert_eq!(clock.now().duration_since(before).as_secs(), 3);
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<watch::Sender<Timestamp>>);

impl ManualClock {
    /// A clock that stands at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(Arc::new(watch::Sender::new(at)))
    }

    /// Moves the time on, and wakes those whose moment has come.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = now.saturating_add(by).unwrap_or(Timestamp::MAX));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut moved = self.0.subscribe();
        Box::pin(async move {
            // The sender lives as long as the clock; once the clock is gone, nobody can wait for it any more.
            let _ = moved.wait_for(|now| *now >= at).await;
        })
    }
}
