//! What is kept of the past of a key, as the script packs it.

use waypost_core::limits::State;

use crate::redis::error::Fault;

const UNKNOWN: Fault = Fault::Form("the state of a limit");

/// A token bucket: a moment, and how far beyond it the bucket will be full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// In microseconds since the Unix epoch.
    pub(super) at: i64,
    /// In nanoseconds.
    ahead: i64,
}

impl Bucket {
    /// Reads two doubles.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let (at, ahead) = double(bytes)?;
        let (ahead, rest) = double(ahead)?;
        if rest.is_empty() { Ok(Self { at, ahead }) } else { Err(UNKNOWN) }
    }

    /// The same for [`Policy::decide`](waypost_core::limits::Policy::decide).
    pub(super) fn state(self) -> State {
        State::FullAt(self.at.saturating_mul(1_000).saturating_add(self.ahead))
    }
}

/// Reads the slices of a window: a double, and in four bytes each the sum of the counts, and the counts.
pub(super) fn window(bytes: &[u8]) -> Result<State, Fault> {
    let (newest, counts) = double(bytes)?;
    match counts.as_chunks::<4>() {
        ([_, counts @ ..], []) => {
            Ok(State::Counts { newest, counts: counts.iter().map(|count| u32::from_be_bytes(*count)).collect() })
        }
        _ => Err(UNKNOWN),
    }
}

/// A whole number that the script packed as a double, and what follows it.
fn double(bytes: &[u8]) -> Result<(i64, &[u8]), Fault> {
    let (double, rest) = bytes.split_first_chunk::<8>().ok_or(UNKNOWN)?;
    Ok((f64::from_be_bytes(*double) as i64, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_script_packs_is_read() {
        let number = |number: i64| (number as f64).to_be_bytes();
        let bucket = [number(1_793_577_600_123_456), number(2_678_400_000_000_007)].concat();
        assert_eq!(Bucket::read(&bucket).expect("a bucket").state(), State::FullAt(1_796_256_000_123_456_007));
        let slices = [&number(9)[..], &[0, 1, 0, 7, 0, 0, 0, 7, 0, 1, 0, 0]].concat();
        assert_eq!(window(&slices).expect("a window"), State::Counts { newest: 9, counts: vec![7, 65_536] });
    }

    #[test]
    fn other_bytes_are_a_fault() {
        for bytes in [&b""[..], &[0; 7], &[0; 8], &[0; 17]] {
            assert!(Bucket::read(bytes).is_err() && window(bytes).is_err(), "{bytes:?}");
        }
    }
}
