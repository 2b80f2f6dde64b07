//! When what is due in a session.

use std::time::Duration;

use jiff::Timestamp;

use super::Closing;

/// Between two comments of a stream on which nothing happens (§10): half of the shortest idle time-outs in the field.
pub(super) const COMMENT: Duration = Duration::from_secs(15);
/// Between two pings of a socket (§10).
pub(super) const PING: Duration = Duration::from_secs(25);
/// How long a socket may take to answer a ping (§10).
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// How often it is asked whether what a session was opened with still holds.
pub(super) const ASK: Duration = Duration::from_secs(15);
/// How long before its token a session ends, so that its client is back in time.
pub(super) const AHEAD: Duration = Duration::from_secs(5);
/// When a client may come back whose stream has lasted long enough: at once, but not all of them.
pub(super) const SOON: Duration = Duration::from_secs(1);
/// How long a client that takes nothing may take to hear the last word.
pub(super) const LAST_WORD: Duration = Duration::from_secs(10);

/// What is due when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) heartbeat: Timestamp,
    /// By when a ping must have been answered.
    pub(super) answer: Option<Timestamp>,
    pub(super) ask: Option<Timestamp>,
    /// When it ends, why, and when its client may come back.
    pub(super) end: Option<(Timestamp, Closing)>,
}
