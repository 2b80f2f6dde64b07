//! Look-ups that are believed for a moment.
//!
//! [`Believed`](believed::Believed) is the one idea: what was looked up is believed for a time, by a bounded number of
//! names, and looked up once by those who ask at the same time. What may be believed of a port, and which of its writes
//! end that, stands in the file of its capability.

mod believed;
mod clients;
mod credentials;
mod grants;
mod members;

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;

/// How long a look-up is believed. What is revoked on another node stops working here within this time.
const BELIEVED: Duration = Duration::from_secs(1);
/// Names that are remembered at a time, the unknown ones included. A few MB when full: a row is some hundred bytes.
const REMEMBERED: usize = 10_000;

/// A port whose look-ups are kept in memory for a moment. What is written through it is seen through it at once, and what
/// is written elsewhere within a second, counted from the moment at which the store was asked.
///
/// Not a [`Layer`](super::Layer), which knows nothing of what a call is about. It surrounds what requests ask each time:
/// who shows a key, a token or a cookie, and what they may.
#[derive(Debug)]
pub struct Cached<P: ?Sized + Remembered> {
    inner: Arc<P>,
    memory: P::Memory,
}

/// A port of which something can be believed.
pub trait Remembered {
    /// What is remembered of its answers.
    type Memory: Debug + Send + Sync;

    /// A memory that is empty, by `clock`.
    fn blank(clock: &Arc<dyn Clock>) -> Self::Memory;
}

impl<P: ?Sized + Remembered> Cached<P> {
    /// Keeps what `inner` answers, by `clock`.
    pub fn new(inner: Arc<P>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, memory: P::blank(&clock) }
    }
}
