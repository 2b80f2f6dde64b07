//! The cases of a spool that outlives its process.
//!
//! A spool that is dropped and opened again at its place stands for a process that was ended between two writes.

mod reopening;

use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;

use super::suite::suite;
use crate::clicks::ClickSpool;

suite! {
    /// Proves that a spool is durable, given as [`crate::conformance::Reopen`].
    durable_spool as __durable_spool_suite {
        reopening:
            hits_are_there_after_a_restart_under_their_ids,
            what_was_released_stays_released,
            a_release_of_a_part_outlives_a_restart,
            ids_are_not_given_again_after_a_restart,
            a_drain_goes_on_where_the_last_one_stopped,
            a_mark_of_before_releases_nothing_new;
    }
}

type Opening = Pin<Box<dyn Future<Output = Arc<dyn ClickSpool>> + Send>>;

/// The place of a spool, where it can be opened again and again. It is opened by one at a time.
#[derive(Clone)]
pub struct Reopen(Arc<dyn Fn() -> Opening + Send + Sync>);

impl Reopen {
    /// A place that `open` opens.
    pub fn new<F>(open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Arc<dyn ClickSpool>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(open())))
    }

    /// Opens the spool.
    pub async fn open(&self) -> Arc<dyn ClickSpool> {
        (self.0)().await
    }
}

impl Debug for Reopen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reopen(..)")
    }
}
