//! Whether to send a request again, and when: a function of values, without a network.
//!
//! Sent again is what is safe to repeat (a read, or a write under an idempotency key) and may go better next time: no
//! answer at all, 429 and 503, 500, 502 and 504, and 409 while a request with the same key is being carried out. The
//! wait is what `Retry-After` says, else it doubles from half a second.

use std::time::Duration;

use waypost_core::wire::v1::{ErrorCode, Retry};

/// How often a request is sent in all; with the waits that is half a minute, longer than a restart takes.
pub const ATTEMPTS: u32 = 7;
/// The longest that `Retry-After` is obeyed. A server that wants more is told to the caller instead.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No answer came.
    Silence,
    /// This status came, with a code of the registry and a wait if the answer had them.
    Status(u16, Option<ErrorCode>, Option<Duration>),
}

/// How long to wait before the next attempt; `None` if there is to be none. `attempt` counts from 1, and `is_safe` says
/// whether the request can be repeated without a second effect.
///
/// ```
/// use std::time::Duration;
/// use waypost_client::retry::{Outcome, wait};
///
/// let busy = Outcome::Status(503, None, Some(Duration::from_secs(2)));
/// assert_eq!(wait(busy, 1, true), Some(Duration::from_secs(2)));
/// assert_eq!(wait(Outcome::Status(422, None, None), 1, true), None);
/// assert_eq!(wait(Outcome::Silence, 1, false), None, "it may have been carried out");
/// ```
pub fn wait(outcome: Outcome, attempt: u32, is_safe: bool) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    let (may, asked) = match outcome {
        Outcome::Silence => (is_safe, None),
        Outcome::Status(status, code, asked) => {
            let by_code = code.map(|code| match code.retry() {
                Retry::Never => false,
                Retry::Safe => is_safe,
                // Turned away before anything was done.
                Retry::AfterWait => true,
            });
            // An answer without a code comes from something between us and the server.
            let by_status = match status {
                429 | 503 => true,
                500 | 502 | 504 => is_safe,
                _ => false,
            };
            (by_code.unwrap_or(by_status), asked)
        }
    };
    let wait = asked.unwrap_or(FIRST_WAIT * (1 << (attempt - 1)));
    (may && wait <= LONGEST_WAIT).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_turned_away_is_sent_again_and_what_is_wrong_is_not() {
        let second = Some(Duration::from_secs(1));
        let in_flight = Outcome::Status(409, Some(ErrorCode::IdempotencyInFlight), second);
        assert_eq!(wait(in_flight, 1, true), second);
        let taken = Outcome::Status(409, Some(ErrorCode::SlugTaken), None);
        assert_eq!(wait(taken, 1, true), None);
        assert_eq!(wait(Outcome::Status(429, None, second), 1, false), second);
        assert_eq!(wait(Outcome::Status(502, None, None), 1, false), None);
    }

    #[test]
    fn waits_double_and_attempts_end() {
        let waits: Vec<_> = (1..=ATTEMPTS).map_while(|attempt| wait(Outcome::Silence, attempt, true)).collect();
        assert_eq!(waits.len(), 6);
        assert_eq!(waits[0] * 32, waits[5]);
    }

    #[test]
    fn a_wait_that_is_too_long_is_the_callers_to_decide() {
        let hour = Some(Duration::from_secs(3_600));
        assert_eq!(wait(Outcome::Status(429, None, hour), 1, true), None);
    }
}
