//! Making a call again that failed in passing.

use std::sync::Arc;
use std::time::Duration;

use super::{Budget, Call, Layer, Repeat, Work};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::error::{Kind, Result};
use crate::outbox::Backoff;

/// How calls are made again.
#[derive(Clone, Copy, Debug)]
pub struct RetryOptions {
    /// How often a call is made in all. Three: the second mends a connection that was cut, the third one a server that
    /// is just coming back.
    pub most: u32,
    /// How long to wait in between: 50 ms at first, 250 ms at most, since somebody waits for the answer.
    pub backoff: Backoff,
}

impl RetryOptions {
    /// Makes no call again, as a test wants it whose clock stands still.
    pub const NEVER: Self = Self { most: 1, backoff: Backoff { first: Duration::ZERO, longest: Duration::ZERO } };
}

impl Default for RetryOptions {
    fn default() -> Self {
        let backoff = Backoff { first: Duration::from_millis(50), longest: Duration::from_millis(250) };
        Self { most: 3, backoff }
    }
}

/// Makes a call again that found the store away, if it is [`Repeat::Safe`] and the [`Budget`] allows.
///
/// For what passes in milliseconds: a pooled connection that was cut, a failover that is just done. What lasts is left
/// to those who know what the call was for: a client with its key, an engine with its next round. That is also why the
/// wait that an error asks of clients is not kept here, and why a call that timed out is not repeated: its time is used
/// up, and one that is slow does not get faster by being asked more often.
#[derive(Clone, Debug)]
pub struct Retry {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    budget: Arc<Budget>,
    options: RetryOptions,
}

impl Retry {
    /// Repeats as `options` say, within a `budget` that is shared with other calls.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, budget: Arc<Budget>, options: RetryOptions) -> Self {
        Self { clock, entropy, budget, options }
    }
}

impl Layer for Retry {
    async fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        work: impl Fn() -> Work<'a, T> + Copy + Send + Sync + 'a,
    ) -> Result<T> {
        let mut made = 0;
        loop {
            made += 1;
            let error = match work().await {
                Ok(value) => {
                    if made == 1 {
                        self.budget.earn();
                    }
                    return Ok(value);
                }
                Err(error) => error,
            };
            let passes = error.kind() == Kind::Unavailable && call.repeat == Repeat::Safe;
            if !passes || made >= self.options.most || !self.budget.take() {
                return Err(error);
            }
            metrics::counter!("waypost_store_retries_total", "port" => call.port, "call" => call.name).increment(1);
            tracing::debug!(port = call.port, call = call.name, made, error = ?error, "a call is made again");
            self.clock.sleep_until(self.clock.now() + self.options.backoff.wait(made, &*self.entropy)).await;
        }
    }
}
