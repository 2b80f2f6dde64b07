//! What claims, verdicts and the emptying of leaves pass through.

use sqlx::Executor as _;

use crate::postgres::database::{Postgres, Transaction};
use crate::postgres::error::Fault;

/// Alone: what a claim sees of keys and their entries stays so until it has committed.
macro_rules! alone {
    () => {
        "SELECT pg_advisory_xact_lock('waypost_outbox_turn'::regclass::oid::int4, 0);"
    };
}

/// Beside others of its kind: verdicts are about entries of one claim each.
macro_rules! together {
    () => {
        "SELECT pg_advisory_xact_lock_shared('waypost_outbox_turn'::regclass::oid::int4, 0);"
    };
}

/// A node that is cut off in here holds everybody up, so it is soon taken for dead.
///
/// Leaves grow and are emptied faster than the server gathers statistics, so no plan may rest on them: entries are
/// found by their number, and read in its order.
macro_rules! by_number {
    () => {
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_hashjoin = off; \
         SET LOCAL enable_mergejoin = off; SET LOCAL enable_sort = off; \
         SET LOCAL idle_in_transaction_session_timeout = '2s'"
    };
}

/// For claims and verdicts, whose commits do not wait for the disk: if the server dies, they are as if they had not been
/// made. What was claimed is claimed again, and what was published is published again, of which the log keeps one.
macro_rules! light {
    () => {
        "; SET LOCAL synchronous_commit = off"
    };
}

const ALONE: &str = concat!(alone!(), by_number!());
const ALONE_LIGHT: &str = concat!(alone!(), by_number!(), light!());
const TOGETHER_LIGHT: &str = concat!(together!(), by_number!(), light!());

/// Begins a transaction that no claim, verdict or emptying runs beside.
pub(super) async fn alone(db: &Postgres) -> Result<Transaction, Fault> {
    let mut tx = db.begin().await?;
    tx.execute(ALONE).await?;
    Ok(tx)
}

/// The same for a claim.
pub(super) async fn claim(db: &Postgres) -> Result<Transaction, Fault> {
    let mut tx = db.begin().await?;
    tx.execute(ALONE_LIGHT).await?;
    Ok(tx)
}

/// Begins a transaction of verdicts, that no claim or emptying runs beside.
pub(super) async fn settle(db: &Postgres) -> Result<Transaction, Fault> {
    let mut tx = db.begin().await?;
    tx.execute(TOGETHER_LIGHT).await?;
    Ok(tx)
}
