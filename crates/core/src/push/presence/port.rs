//! The port of presence.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Place, Presence, Stay};
use crate::error::Result;

/// Keeps who is where, for as long as it is renewed.
///
/// Every call is of many, since a node renews thousands of sessions and reads thousands of subjects. What is kept is worth
/// as long as it lasts: a store that forgets all of it at a restart does no harm, since whoever is there enters again.
///
/// # Contract
/// 1. *Seen by all.* Who entered is present, as they entered, to whoever asks after [`enter`](Self::enter) returned, on
///    every node.
/// 2. *Over at its moment.* A presence is over when its time to live has passed, by the moment of whoever asks, swept or
///    not; and not before. A question changes nothing, so one from a clock that is ahead takes nobody away.
/// 3. *Renewed.* A session that enters again where it is present is there once, as it entered last, until the later of
///    both ends.
/// 4. *Left is left.* Who left is not present until they enter again. Who was not there leaves without complaint. Which
///    session leaves which place is all that counts; nobody else goes with it.
/// 5. *Walled.* Each place is for itself: other workspaces, and other subjects to the letter, see nothing of it.
/// 6. *Bounded.* Of each place come the oldest by `since`, then by session, and no more of them than the limit.
/// 7. *In their order.* [`present`](Self::present) answers each place where it was asked, once for each time that it was
///    named. A batch that names a session twice at one place leaves it as the last of them says; an empty one does nothing.
/// 8. *Swept.* A sweep removes what is over by its moment and nothing else, at most as many as its limit, and tells how many.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) or [`Timeout`](crate::Kind::Timeout) when the store is away. A part of the
/// batch may have come through; the same call can be made again.
#[async_trait]
pub trait PresenceStore: Debug + Send + Sync {
    /// Has these sessions present from now on until their time to live has passed; renews those that are.
    async fn enter(&self, stays: &[Stay], now: Timestamp, time_to_live: Duration) -> Result<()>;

    /// Has these sessions go, whoever and since when they were.
    async fn leave(&self, stays: &[Stay]) -> Result<()>;

    /// Who is present at each of these places at this moment: at most `limit` a place, the oldest first.
    async fn present(&self, places: &[Place], now: Timestamp, limit: usize) -> Result<Vec<Vec<Presence>>>;

    /// Removes at most `limit` of what is over by `now`; gives how many.
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize>;
}
