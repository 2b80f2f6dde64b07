//! How transactions on what is owed begin.

use crate::postgres::database::{Postgres, Transaction};
use crate::postgres::error::Fault;

/// What is owed grows and shrinks faster than the server gathers statistics, so no plan may rest on them: rows are found
/// by an index, and for each row of the one side those of the other. A node that is cut off in here holds queues up, so it
/// is soon taken for dead.
macro_rules! begin {
    ($more:literal) => {
        concat!(
            "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
             SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; \
             SET LOCAL plan_cache_mode = force_generic_plan; \
             SET LOCAL idle_in_transaction_session_timeout = '2s'",
            $more
        )
    };
}

pub(in crate::postgres) const BEGIN: &str = begin!("");
/// For what may be lost when the server dies: a lease that was renewed ends as if it had not been, and sooner is as good.
const BEGIN_LIGHT: &str = begin!("; SET LOCAL synchronous_commit = off");

/// Begins a transaction on what is owed.
pub(super) async fn begin(db: &Postgres) -> Result<Transaction, Fault> {
    db.begin_with(BEGIN).await
}

/// The same, whose commit does not wait for the disk.
pub(super) async fn begin_light(db: &Postgres) -> Result<Transaction, Fault> {
    db.begin_with(BEGIN_LIGHT).await
}
