//! Positions in the log.

/// Which log: drawn when a log is made, so that a position in an older one is known to be meaningless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// A place in the log. Offset 0 is the beginning; an event's own offset is 1 or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Which log.
    pub epoch: Epoch,
    /// How far into it.
    pub offset: u64,
}

impl Position {
    /// The bytes that a cursor seals.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.epoch.0.to_be_bytes());
        bytes[8..].copy_from_slice(&self.offset.to_be_bytes());
        bytes
    }

    /// Reads the bytes that a cursor sealed; `None` for any other number of them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (epoch, offset) = bytes.split_first_chunk::<8>()?;
        let offset = u64::from_be_bytes(offset.try_into().ok()?);
        Some(Self { epoch: Epoch(u64::from_be_bytes(*epoch)), offset })
    }
}
