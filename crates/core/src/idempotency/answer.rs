//! Answers that are kept for a replay.

use bytes::Bytes;

/// An answer as it was given, kept to be given again byte for byte.
///
/// Only the headers that belong to the answer itself are kept (`Location`, `ETag`, `Content-Type`); those of the
/// moment (`Date`, the request id, the rate limits) are made anew on each replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}
