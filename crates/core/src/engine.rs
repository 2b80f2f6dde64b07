//! Engines: the long-running parts, made of steps.
//!
//! An engine does one round at a time and says when it wants the next. The loop, the waiting and the stopping are here
//! and nowhere else, so a test drives an engine by hand: `step`, look, move the clock, `step`.

use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::outbox::Backoff;

/// A long-running part.
#[async_trait]
pub trait Engine: Debug + Send + Sync {
    /// What it is called in logs and metrics.
    fn name(&self) -> &'static str;

    /// Does one bounded round.
    ///
    /// # Errors
    /// What stopped the round. Nothing is lost by it: the next round takes it up again.
    async fn step(&mut self, now: Timestamp) -> Result<Next>;

    /// Returns when there may be work before the time that `step` named. Cancel safe.
    async fn woken(&self) {
        std::future::pending::<()>().await;
    }

    /// Ends what runs beside the rounds, after the last of them. What bounds it is the caller's patience.
    ///
    /// # Errors
    /// What could not be ended well. Nothing is lost by it: another node, or the next start, takes it up.
    async fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// When the next round is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once: there is more to do.
    Now,
    /// At this moment, or when woken.
    At(Timestamp),
    /// There is more to do, and others go first: not before this moment, unless the engine is being stopped.
    Rest(Timestamp),
}

/// Waits between rounds that failed: 100 ms at first, 2 s at most, so that what comes back is noticed at once, as people
/// see it, and one round every second or so costs nobody anything.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(2) };

/// Runs `engine` until `stop`, then on until it has nothing more to do or fails. What bounds that is the caller's
/// patience: drop the future.
pub async fn run(
    mut engine: Box<dyn Engine>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
) {
    let mut failures = 0;
    loop {
        let now = clock.now();
        // A panic is a round that failed like any other: an engine that is dead in silence would be worse.
        let round = AssertUnwindSafe(engine.step(now)).catch_unwind().await;
        let due = match round.unwrap_or_else(|_| Err(Error::internal("the round panicked"))) {
            Ok(next) => {
                failures = 0;
                match next {
                    Next::Now => continue,
                    Next::Rest(_) if stop.is_cancelled() => continue,
                    Next::At(due) | Next::Rest(due) => due,
                }
            }
            Err(error) => {
                failures += 1;
                metrics::counter!("waypost_engine_failures_total", "engine" => engine.name()).increment(1);
                tracing::warn!(engine = engine.name(), failures, error = ?error, "a round failed");
                now + BACKOFF.wait(failures, &*entropy)
            }
        };
        if stop.is_cancelled() {
            if let Err(error) = engine.finish().await {
                tracing::warn!(engine = engine.name(), error = ?error, "an engine did not end well");
            }
            return;
        }
        tokio::select! {
            () = clock.sleep_until(due) => {}
            () = engine.woken(), if failures == 0 => {}
            () = stop.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::clock::ManualClock;
    use crate::entropy::SeededEntropy;
    use crate::error::Kind;

    #[derive(Debug)]
    struct Script(Arc<AtomicU32>);

    #[async_trait]
    impl Engine for Script {
        fn name(&self) -> &'static str {
            "script"
        }

        async fn step(&mut self, now: Timestamp) -> Result<Next> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => Ok(Next::Now),
                2 => Err(Error::new(Kind::Unavailable, "away")),
                3 => panic!("a fault of ours"),
                _ => Ok(Next::At(now + Duration::from_secs(60))),
            }
        }
    }

    #[tokio::test]
    async fn a_failed_round_is_tried_again_and_stopping_ends_the_loop() {
        let rounds = Arc::new(AtomicU32::new(0));
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let stop = CancellationToken::new();
        let engine = Box::new(Script(rounds.clone()));
        let running = tokio::spawn(run(engine, Arc::new(clock.clone()), Arc::new(SeededEntropy::new(1)), stop.clone()));
        while rounds.load(Ordering::SeqCst) < 5 {
            clock.advance(Duration::from_millis(50));
            tokio::task::yield_now().await;
        }
        let before = rounds.load(Ordering::SeqCst);
        stop.cancel();
        running.await.unwrap();
        assert_eq!(rounds.load(Ordering::SeqCst), before + 1, "one more round, in case there was something left");
    }
}
