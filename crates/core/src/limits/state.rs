//! A limiter's state as bytes, for stores that keep it.

use super::State;

const FULL_AT: u8 = 1;
const COUNTS: u8 = 2;

impl State {
    /// A letter for the kind, a moment or slice in 8 bytes, and for windows each count in 4, all big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::FullAt(at) => [&[FULL_AT][..], &at.to_be_bytes()].concat(),
            Self::Counts { newest, counts } => {
                let mut bytes = [&[COUNTS][..], &newest.to_be_bytes()].concat();
                bytes.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
                bytes
            }
        }
    }

    /// The state that a store kept as these bytes; `None` for bytes of another form, as another version may have left.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (number, counts) = rest.split_first_chunk::<8>()?;
        let number = i64::from_be_bytes(*number);
        let (counts, rest) = counts.as_chunks::<4>();
        match *kind {
            FULL_AT if counts.is_empty() && rest.is_empty() => Some(Self::FullAt(number)),
            COUNTS if rest.is_empty() => Some(Self::Counts {
                newest: number,
                counts: counts.iter().map(|count| u32::from_be_bytes(*count)).collect(),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_round_trip() {
        for state in [State::FullAt(-7), State::Counts { newest: 9, counts: vec![1, 0, u32::MAX] }] {
            assert_eq!(State::from_bytes(&state.to_bytes()), Some(state));
        }
        for bytes in [&b""[..], b"\x01", b"\x03\0\0\0\0\0\0\0\0", b"\x02\0\0\0\0\0\0\0\0\0"] {
            assert_eq!(State::from_bytes(bytes), None);
        }
    }
}
