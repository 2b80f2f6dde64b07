//! What is kept of a key, as bytes, and for how long.

use std::time::Duration;

use jiff::Timestamp;
use waypost_core::limits::State;

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

const FULL_AT: u8 = 1;
const COUNTS: u8 = 2;

/// A letter for the kind, a moment or slice in 8 bytes, and for windows each count in 4.
pub(super) fn encode(state: &State) -> Vec<u8> {
    match state {
        State::FullAt(at) => [&[FULL_AT][..], &at.to_be_bytes()].concat(),
        State::Counts { newest, counts } => {
            let mut bytes = [&[COUNTS][..], &newest.to_be_bytes()].concat();
            bytes.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
            bytes
        }
    }
}

pub(super) fn decode(bytes: &[u8]) -> Option<State> {
    let (kind, rest) = bytes.split_first()?;
    let (number, counts) = rest.split_first_chunk::<8>()?;
    let number = i64::from_be_bytes(*number);
    let (counts, rest) = counts.as_chunks::<4>();
    match *kind {
        FULL_AT if counts.is_empty() && rest.is_empty() => Some(State::FullAt(number)),
        COUNTS if rest.is_empty() => Some(State::Counts {
            newest: number,
            counts: counts.iter().map(|count| u32::from_be_bytes(*count)).collect(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_round_trip() {
        for state in [State::FullAt(-7), State::Counts { newest: 9, counts: vec![1, 0, u32::MAX] }] {
            assert_eq!(decode(&encode(&state)), Some(state));
        }
        for bytes in [&b""[..], b"\x01", b"\x03\0\0\0\0\0\0\0\0", b"\x02\0\0\0\0\0\0\0\0\0"] {
            assert_eq!(decode(bytes), None);
        }
    }

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
