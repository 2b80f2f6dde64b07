//! For how long the state of a key is kept.

use std::time::Duration;

use jiff::Timestamp;

/// How long a state is kept, at least, after it says nothing any more: so much may the clocks of nodes differ. It is kept
/// for up to twice as long, since moments are rounded up to a multiple of it, lest each decision move an entry of the
/// index.
const GRACE: Duration = Duration::from_secs(300);

/// From when on a state whose quota is full again after `reset` may be forgotten.
pub(super) fn over_at(now: Timestamp, reset: Duration) -> Timestamp {
    let grain = GRACE.as_secs().cast_signed();
    let full = now.saturating_add(reset).unwrap_or(Timestamp::MAX).as_second();
    Timestamp::from_second((full.div_euclid(grain) + 2) * grain).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_kept_for_the_grace_and_at_most_twice_as_long() {
        for second in [0, 1, 299, 300, 301, 599] {
            let now = Timestamp::from_second(second).unwrap();
            let kept = Duration::try_from(over_at(now, Duration::from_secs(60)).duration_since(now)).unwrap();
            let after = kept - Duration::from_secs(60);
            assert!(after >= GRACE && after <= GRACE * 2, "{second}: {after:?}");
        }
    }
}
