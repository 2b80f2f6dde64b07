//! The port that tells what became of deliveries.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Attempt, DeliveryRecord, DeliveryStatus};
use crate::error::Result;
use crate::events::EventType;
use crate::ids::{DeliveryId, WebhookId, WorkspaceId};
use crate::page::{Limit, Page};

/// Tells what became of deliveries.
///
/// # Contract
/// 1. *Keyset.* `deliveries` lists the newest events first, by their ids, strictly before the anchor, whether or not its row
///    is still there.
/// 2. *Filtered* by every condition of the query.
/// 3. *Walled.* Only what belongs to the workspace and the endpoint is told.
/// 4. *Whole.* `delivery` has every attempt that is kept, in the order in which they were made, by moment and number.
/// 5. *Measured.* `measure` tells of the calls whose hour begins at `since` or later, and of no earlier hour.
/// 6. *Retention.* `trim` forgets deliveries and attempts of events made before a moment by whole days (UTC), and no day of
///    which something is still owed; measures go with the day of their hour. Nobody who enqueues, claims or settles waits
///    the longer the more there is to forget.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away.
#[async_trait]
pub trait DeliveryLog: Debug + Send + Sync {
    /// One page of an endpoint's deliveries.
    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Page<DeliveryRecord, DeliveryId>>;

    /// One delivery, with its attempts.
    async fn delivery(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>>;

    /// What was measured of an endpoint's calls.
    async fn measure(&self, workspace: WorkspaceId, endpoint: WebhookId, since: Timestamp) -> Result<Measures>;

    /// Forgets the days that ended before `before`; says how many.
    async fn trim(&self, before: Timestamp) -> Result<usize>;
}

/// Which deliveries are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The endpoint.
    pub endpoint: WebhookId,
    /// In this state.
    pub status: Option<DeliveryStatus>,
    /// Of an event of this type.
    pub kind: Option<EventType>,
    /// Of events that were made after this moment.
    pub created_after: Option<Timestamp>,
    /// Of events that were made before this moment.
    pub created_before: Option<Timestamp>,
    /// Older than this one.
    pub after: Option<DeliveryId>,
    /// How many.
    pub limit: Limit,
}

/// The bounds of the classes that durations are counted in, in milliseconds; the last class has none.
pub const DURATION_BOUNDS: [u64; 11] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/// What was measured of an endpoint's calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// Calls that succeeded.
    pub succeeded: u64,
    /// Calls that failed.
    pub failed: u64,
    /// How long calls took, as counts: at most so long as each of [`DURATION_BOUNDS`], and longer.
    pub durations: [u64; 12],
}

impl Measures {
    /// Counts one call.
    pub fn count(&mut self, attempt: &Attempt) {
        match attempt.result.is_success() {
            true => self.succeeded += 1,
            false => self.failed += 1,
        }
        let millis = attempt.duration.as_millis();
        let class = DURATION_BOUNDS.iter().position(|bound| millis <= u128::from(*bound));
        self.durations[class.unwrap_or(DURATION_BOUNDS.len())] += 1;
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        for (own, other) in self.durations.iter_mut().zip(other.durations) {
            *own += other;
        }
    }

    /// How long at most a share of the calls took, from 0 to 1: the bound of the class that the call at this place is in.
    /// `None` without calls, and where it lies beyond the last bound.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all: u64 = self.durations.iter().sum();
        let place = (all as f64 * share).ceil().max(1.0) as u64;
        let mut counted = 0;
        for (count, bound) in self.durations.iter().zip(DURATION_BOUNDS) {
            counted += count;
            if counted >= place {
                return Some(Duration::from_millis(bound));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::AttemptResult;

    #[test]
    fn quantiles_are_bounds_of_classes() {
        let mut measures = Measures::default();
        assert_eq!(measures.quantile(0.5), None);
        for millis in [1, 5, 6, 90, 20_000] {
            let result = AttemptResult { status: Some(200), failure: None, excerpt: String::new() };
            let (at, duration) = (Timestamp::UNIX_EPOCH, Duration::from_millis(millis));
            measures.count(&Attempt { number: 1, at, duration, result, traceparent: None });
        }
        assert_eq!((measures.succeeded, measures.durations[0], measures.durations[11]), (5, 2, 1));
        assert_eq!(measures.quantile(0.5), Some(Duration::from_millis(10)));
        assert_eq!(measures.quantile(0.8), Some(Duration::from_millis(100)));
        assert_eq!(measures.quantile(1.0), None, "longer than the longest bound");
    }
}
