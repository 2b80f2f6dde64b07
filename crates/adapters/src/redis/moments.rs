//! Moments as numbers that a script can count with.

use jiff::Timestamp;

/// The last microsecond that a script counts exactly: its numbers are doubles. It lies in the year 2255.
const LAST: i64 = (1 << 53) - 1;

/// A moment as whole microseconds since the Unix epoch, within what a script counts exactly.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond().clamp(0, LAST)
}

/// The moment that a script tells in digits.
pub(super) fn moment(digits: &[u8]) -> Option<Timestamp> {
    let micros = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Timestamp::from_microsecond(micros).ok()
}
