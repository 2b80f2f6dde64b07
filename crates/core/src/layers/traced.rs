//! Timing every call.

use std::sync::Arc;
use std::time::Duration;

use super::{Call, Layer, Work};
use crate::clock::Clock;
use crate::error::Result;

/// Tells every call to the `metrics` facade: `waypost_store_duration_seconds{port, call}`, and
/// `waypost_store_errors_total{port, call}` if it failed.
///
/// Belongs outermost: what is told is what callers see, repetitions included.
#[derive(Clone, Debug)]
pub struct Traced {
    clock: Arc<dyn Clock>,
}

impl Traced {
    /// Times by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

impl Layer for Traced {
    async fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        work: impl Fn() -> Work<'a, T> + Copy + Send + Sync + 'a,
    ) -> Result<T> {
        let started = self.clock.now();
        let outcome = work().await;
        let took = Duration::try_from(self.clock.now().duration_since(started)).unwrap_or_default();
        metrics::histogram!("waypost_store_duration_seconds", "port" => call.port, "call" => call.name).record(took);
        if outcome.is_err() {
            metrics::counter!("waypost_store_errors_total", "port" => call.port, "call" => call.name).increment(1);
        }
        outcome
    }
}
