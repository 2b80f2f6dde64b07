//! The heads of frames, followed as bytes pass by.

/// The longest head: two bytes, eight of length, four of mask (RFC 6455 §5.2).
const LONGEST: usize = 14;
/// The opcode of a connection's last frame.
const CLOSE: u8 = 8;

/// Counts frames that come in, also those that the library puts together without a word: a message may come in any number
/// of fragments, and fragments may be empty.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heads {
    head: [u8; LONGEST],
    /// How much of a head is there.
    have: usize,
    /// How much of a frame's payload is still to come.
    left: u64,
    /// A message has begun, and its last fragment is not there.
    is_open: bool,
    /// What comes after a close is nobody's business.
    is_closed: bool,
}

/// A length is written in more bytes than it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LongLength;

impl Heads {
    /// Lets bytes pass, and says how many frames begin in them.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) -> Result<u32, LongLength> {
        let mut frames = 0;
        while !bytes.is_empty() && !self.is_closed {
            if self.left > 0 {
                let skipped = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                self.left -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head[self.have] = bytes[0];
            self.have += 1;
            bytes = &bytes[1..];
            if self.have >= 2 && self.have == self.length() {
                frames += 1;
                self.begin()?;
            }
        }
        Ok(frames)
    }

    /// Whether nothing is half there: neither a frame nor a message.
    pub(super) fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0 && !self.is_open
    }

    /// The length of the head, once its first two bytes are there.
    fn length(&self) -> usize {
        let mask = if self.head[1] & 0x80 == 0 { 0 } else { 4 };
        let extended = match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + extended + mask
    }

    /// A head is whole: what follows is its payload.
    fn begin(&mut self) -> Result<(), LongLength> {
        self.have = 0;
        let extended = |bytes: &[u8]| bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
        let (length, least) = match self.head[1] & 0x7f {
            126 => (extended(&self.head[2..4]), 126),
            127 => (extended(&self.head[2..10]), 1 << 16),
            short => (u64::from(short), 0),
        };
        if length < least {
            return Err(LongLength);
        }
        self.left = length;
        let (is_last, opcode) = (self.head[0] & 0x80 != 0, self.head[0] & 0x0f);
        self.is_closed = opcode == CLOSE;
        // Control frames come between the fragments of a message.
        if opcode < CLOSE {
            self.is_open = !is_last;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match length {
            0..126 => frame.push(0x80 | length as u8),
            126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.resize(frame.len() + 4 + length, 0x55);
        frame
    }

    proptest! {
        #[test]
        fn frames_are_counted_however_their_bytes_are_cut(
            lengths in prop::collection::vec(prop_oneof![0..130_usize, 65_530..65_540_usize], 1..12),
            cut in 1..4_096_usize,
        ) {
            let bytes: Vec<u8> = lengths.iter().flat_map(|length| frame(0x81, *length)).collect();
            let mut heads = Heads::default();
            let counted: u32 = bytes.chunks(cut).map(|chunk| heads.pass(chunk).unwrap()).sum();
            prop_assert_eq!(counted as usize, lengths.len());
            prop_assert!(heads.is_between());
        }
    }

    #[test]
    fn a_message_is_open_until_its_last_fragment_whatever_comes_between() {
        let mut heads = Heads::default();
        for (first, is_between) in [(0x01, false), (0x00, false), (0x89, false), (0x80, true), (0x89, true)] {
            assert_eq!(heads.pass(&frame(first, 3)), Ok(1));
            assert_eq!(heads.is_between(), is_between, "{first:x}");
        }
    }

    #[test]
    fn a_length_takes_no_more_bytes_than_it_needs() {
        for bytes in [&[0x81, 0xfe, 0, 125][..], &[0x81, 0xff, 0, 0, 0, 0, 0, 0, 255, 255]] {
            let masked = [bytes, &[0; 4]].concat();
            assert_eq!(Heads::default().pass(&masked), Err(LongLength));
        }
    }

    #[test]
    fn what_follows_a_close_is_not_looked_at() {
        let mut heads = Heads::default();
        let bytes = [frame(0x88, 2), vec![0xff; 64]].concat();
        assert_eq!(heads.pass(&bytes), Ok(1));
    }
}
