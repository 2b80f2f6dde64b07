//! A write inside its transaction: the lease, the changes, the events, the answer.

use sqlx::Executor as _;
use sqlx::postgres::PgConnection;
use waypost_core::idempotency::Settled;
use waypost_core::links::{Atomicity, Change, LinkWrite, Refusal, Written};

use super::changes;
use crate::postgres::error::Fault;
use crate::postgres::{idempotency, outbox};

/// What a transaction came to.
pub(super) struct Applied {
    /// What became of the write.
    pub(super) written: Written,
    /// Whether there is anything to commit.
    pub(super) is_effective: bool,
}

/// Makes the changes, appends the events of those that were made, and keeps the answer.
///
/// The rows are locked before their events draw numbers, so the numbers of one link follow its commits.
pub(super) async fn apply(conn: &mut PgConnection, write: &LinkWrite<'_>) -> Result<Applied, Fault> {
    if let Some(keyed) = &write.keyed
        && idempotency::lock(conn, keyed.lease).await? == Settled::Superseded
    {
        return Ok(Applied { written: Written::Superseded, is_effective: false });
    }
    // Only an answer to changes that are undone needs a way back to where they began: else all is undone with them.
    let has_way_back = write.atomicity == Atomicity::All && write.changes.len() > 1 && write.keyed.is_some();
    if has_way_back {
        conn.execute("SAVEPOINT waypost_changes").await?;
    }
    let mut outcomes = changes::make(conn, &write.changes).await?;
    if write.atomicity == Atomicity::All && outcomes.iter().any(Result::is_err) {
        if has_way_back {
            conn.execute("ROLLBACK TO waypost_changes").await?;
        }
        for outcome in &mut outcomes {
            *outcome = outcome.and(Err(Refusal::Undone));
        }
    }
    let events: Vec<_> = write
        .changes
        .iter()
        .zip(&outcomes)
        .filter_map(|((_, event), outcome)| outcome.and(Ok(event.as_ref())).ok().flatten())
        .collect();
    // A new link is the first that its key tells of; a change of one has its place among what clicks and hosts tell.
    let is_first = write.changes.iter().all(|(change, _)| matches!(change, Change::Insert(_)));
    if is_first {
        outbox::insert(conn, &events).await?;
    } else {
        outbox::insert_in_order(conn, &events).await?;
    }
    let mut is_effective = outcomes.iter().any(Result::is_ok);
    if let Some(keyed) = &write.keyed
        && let Some(answer) = (keyed.answer)(&outcomes)
    {
        idempotency::complete(conn, keyed.lease, &answer, keyed.keep_until).await?;
        is_effective = true;
    }
    Ok(Applied { written: Written::Committed(outcomes), is_effective })
}
