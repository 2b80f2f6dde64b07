//! Why a delivery is not believed.

use std::time::Duration;

/// Why a delivery is not believed, in words for the log of the receiver. Tell the caller no more than `401`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A header is not there.
    #[error("the header `{0}` is missing: is it Waypost that calls, and does a proxy in between keep the header?")]
    Missing(&'static str),
    /// A header is there more than once, so that it could mean two things.
    #[error("the header `{0}` is there more than once: it was added on the way, or somebody tries something")]
    Repeated(&'static str),
    /// The id is none: 1 to 256 characters of visible ASCII without a dot, which parts it from what follows.
    #[error("the header `webhook-id` is no id: it was changed on the way, or somebody tries something")]
    Id,
    /// The moment is no number of seconds.
    #[error("the header `webhook-timestamp` is no number of Unix seconds: it was changed on the way")]
    Timestamp,
    /// It was signed too long ago.
    #[error(
        "it was signed {by:?} ago, and {tolerance:?} are tolerated: set this machine's clock by NTP; if it is right, the \
         delivery was held up on the way or is sent again by a stranger"
    )]
    TooOld {
        /// How far the moment lies before this machine's clock.
        by: Duration,
        /// How far it may.
        tolerance: Duration,
    },
    /// It was signed in what this machine takes for the future.
    #[error(
        "it was signed {by:?} ahead of this machine's clock, and {tolerance:?} are tolerated: set the clock by NTP"
    )]
    TooNew {
        /// How far the moment lies after this machine's clock.
        by: Duration,
        /// How far it may.
        tolerance: Duration,
    },
    /// None of the signatures is of a kind that the keys can check.
    #[error(
        "no signature is of a kind that the keys can check: a secret (`whsec_`) checks `v1`, a public key (`whpk_`) \
         checks `v1a`"
    )]
    UnknownVersion,
    /// No signature is one of this content by one of the keys.
    #[error(
        "no signature matches: the body was changed (verify the bytes that came, before anything parses them), or the \
         secret is another endpoint's, or was rotated out"
    )]
    NoMatch,
}
