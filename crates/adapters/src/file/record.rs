//! A hit as it lies in a segment.
//!
//! ```text
//! mark u16 · length u16 · checksum u32 · payload · zeros up to a multiple of 8
//! ```
//!
//! The checksum is seeded with the segment's nonce and the record's place. So bytes at any other place, those of an
//! older file, and those that a stranger wrote into a `User-Agent` never pass for a record, and reading may safely
//! look for the next whole record when one is damaged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use jiff::Timestamp;
use waypost_core::clicks::{Hit, HitRef};
use waypost_core::ids::{LinkId, WorkspaceId};

/// Records begin at multiples of this, counted from the segment's first byte.
pub(super) const ALIGNMENT: u64 = 8;

/// What a record begins with. Neither byte is zero, nor a letter.
const MARK: [u8; 2] = [0x9C, 0xB7];
const PREFIX: usize = 8;
/// Link, workspace, seconds, nanoseconds, kind of address, address, two lengths.
const FIXED: usize = 16 + 16 + 8 + 4 + 1 + 16 + 2 + 2;

/// The longest that a record can be.
pub(super) const LONGEST: usize = (PREFIX + FIXED + 2 * Hit::LONGEST_TEXT).next_multiple_of(ALIGNMENT as usize);

/// A hit, encoded; it lacks only the checksum, which depends on where it will lie.
pub(super) struct Record {
    bytes: Vec<u8>,
    end: usize,
}

impl Record {
    /// Encodes `hit` into `buffer`, whatever that held, with its texts cut at [`Hit::LONGEST_TEXT`].
    pub(super) fn encode(hit: &HitRef<'_>, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.extend_from_slice(&[0; PREFIX]);
        buffer.extend_from_slice(&hit.link.to_bytes());
        buffer.extend_from_slice(&hit.workspace.to_bytes());
        buffer.extend_from_slice(&hit.at.as_second().to_le_bytes());
        buffer.extend_from_slice(&hit.at.subsec_nanosecond().to_le_bytes());
        match hit.address {
            IpAddr::V4(address) => {
                buffer.push(4);
                buffer.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                buffer.push(6);
                buffer.extend_from_slice(&address.octets());
            }
        }
        for text in [hit.user_agent, hit.referrer] {
            let text = &text[..text.len().min(Hit::LONGEST_TEXT)];
            buffer.extend_from_slice(&(text.len() as u16).to_le_bytes());
            buffer.extend_from_slice(text);
        }
        let end = buffer.len();
        buffer[..2].copy_from_slice(&MARK);
        buffer[2..4].copy_from_slice(&((end - PREFIX) as u16).to_le_bytes());
        buffer.resize(padded(end), 0);
        Self { bytes: buffer, end }
    }

    /// How many bytes it takes in a segment.
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Its bytes for the place `offset` of the segment that drew `nonce`.
    pub(super) fn seal(&mut self, nonce: u64, offset: u64) -> &[u8] {
        let checksum = checksum(nonce, offset, &self.bytes[PREFIX..self.end]);
        self.bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        &self.bytes
    }

    /// The buffer, for the next one.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}

/// The hit at the beginning of `bytes`, which lie at `offset`, and how many bytes it takes; `None` if there is no
/// whole record.
pub(super) fn decode(bytes: &Bytes, nonce: u64, offset: u64) -> Option<(Hit, u64)> {
    let prefix = bytes.get(..PREFIX)?;
    if prefix[..2] != MARK {
        return None;
    }
    let end = PREFIX + usize::from(u16::from_le_bytes([prefix[2], prefix[3]]));
    let expected = u32::from_le_bytes([prefix[4], prefix[5], prefix[6], prefix[7]]);
    if checksum(nonce, offset, bytes.get(PREFIX..end)?) != expected {
        return None;
    }
    let hit = Payload { bytes, at: PREFIX, end }.hit()?;
    Some((hit, padded(end) as u64))
}

/// Reads the fields of a payload one after the other.
struct Payload<'a> {
    bytes: &'a Bytes,
    at: usize,
    end: usize,
}

impl Payload<'_> {
    fn hit(mut self) -> Option<Hit> {
        let hit = Hit {
            link: LinkId::from_bytes(self.array()?),
            workspace: WorkspaceId::from_bytes(self.array()?),
            at: Timestamp::new(i64::from_le_bytes(self.array()?), i32::from_le_bytes(self.array()?)).ok()?,
            address: self.address()?,
            user_agent: self.text()?,
            referrer: self.text()?,
        };
        (self.at == self.end).then_some(hit)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = self.bytes[..self.end].get(self.at..self.at + N)?.try_into().ok()?;
        self.at += N;
        Some(bytes)
    }

    fn address(&mut self) -> Option<IpAddr> {
        match self.array()? {
            [4] => Some(Ipv4Addr::from_octets(self.array()?).into()),
            [6] => Some(Ipv6Addr::from_octets(self.array()?).into()),
            _ => None,
        }
    }

    /// A piece of the chunk that was read, not a copy of it.
    fn text(&mut self) -> Option<Bytes> {
        let end = self.at + usize::from(u16::from_le_bytes(self.array()?)) + 2;
        if end > self.end {
            return None;
        }
        let text = self.bytes.slice(self.at..end);
        self.at = end;
        Some(text)
    }
}

fn padded(used: usize) -> usize {
    used.next_multiple_of(ALIGNMENT as usize)
}

fn checksum(nonce: u64, offset: u64, payload: &[u8]) -> u32 {
    let seed = (nonce ^ nonce >> 32 ^ offset) as u32;
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(payload);
    hasher.finalize()
}
