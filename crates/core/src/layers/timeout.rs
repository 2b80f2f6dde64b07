//! Bounding every call in time.

use std::sync::Arc;
use std::time::Duration;

use super::{Call, Layer, Work};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};

/// Gives up a call that takes too long: [`Kind::Timeout`]. Whether it was made is not known then, as with every failure
/// of a port.
///
/// Belongs inside of [`Retry`](super::Retry), so that each try has its own time.
#[derive(Clone, Debug)]
pub struct Timeout {
    clock: Arc<dyn Clock>,
    limit: Duration,
}

impl Timeout {
    /// By default 5 s. A store that is there answers within milliseconds, and its largest batch within a second; one on
    /// a connection that was cut without a word never does, and then two calls must fit into the 10 s within which a
    /// platform is to work again.
    pub const LIMIT: Duration = Duration::from_secs(5);

    /// Gives each call `limit` by `clock`.
    pub fn new(clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self { clock, limit }
    }
}

impl Layer for Timeout {
    async fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        work: impl Fn() -> Work<'a, T> + Copy + Send + Sync + 'a,
    ) -> Result<T> {
        tokio::select! {
            // What is there counts, however late it is looked at.
            biased;
            outcome = work() => outcome,
            () = self.clock.sleep_until(self.clock.now() + self.limit) => {
                metrics::counter!("waypost_store_timeouts_total", "port" => call.port, "call" => call.name).increment(1);
                let reason = format!("{}.{} took longer than {:?}", call.port, call.name, self.limit);
                Err(Error::new(Kind::Timeout, "A store of the platform took too long").with_source(reason))
            }
        }
    }
}
