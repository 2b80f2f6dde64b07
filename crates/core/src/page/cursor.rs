//! Cursors: opaque, versioned, authenticated, and bound to the query that made them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::error::{Error, Issue, Kind};

/// The first byte of every cursor. Another layout takes another number.
const VERSION: u8 = 1;
/// 128 bits of tag: a forger has one chance in 2^128 a try, and a cursor stays short.
const TAG: usize = 16;
/// Longer than any cursor of ours; what is longer is refused before it is decoded.
const LONGEST: usize = 1_024;

/// The cursor is forged, damaged, of another query, or of another workspace. Which of these is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this listing with these filters")]
pub struct InvalidCursor;

impl From<InvalidCursor> for Error {
    fn from(fault: InvalidCursor) -> Self {
        Error::new(Kind::InvalidCursor, "The cursor is not one of this listing with these filters")
            .with_issues(vec![Issue::new("query.cursor", fault.to_string())])
    }
}

/// Seals positions into cursors, and opens them again.
///
/// A cursor carries no authority: it says where to go on, and each page is authorised anew. Sealing it (HMAC-SHA256
/// over version, query and position) keeps clients from making positions of their own, so their form stays ours.
pub struct Cursors {
    key: [u8; 32],
}

impl Cursors {
    /// Seals with `key`, which every node of a platform shares.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The cursor for `position` in the listing that `query` describes: workspace, sort and filters.
    pub fn seal(&self, query: &[u8], position: &[u8]) -> String {
        let mut bytes = Vec::with_capacity(1 + TAG + position.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.tag(query, position));
        bytes.extend_from_slice(position);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position that [`seal`](Self::seal) put into `cursor` for the same `query`.
    ///
    /// # Errors
    /// [`InvalidCursor`] for everything else.
    pub fn open(&self, query: &[u8], cursor: &str) -> Result<Vec<u8>, InvalidCursor> {
        if cursor.len() > LONGEST {
            return Err(InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
        let (&VERSION, rest) = bytes.split_first().ok_or(InvalidCursor)? else { return Err(InvalidCursor) };
        let (tag, position) = rest.split_at_checked(TAG).ok_or(InvalidCursor)?;
        if bool::from(self.tag(query, position).ct_eq(tag)) { Ok(position.to_vec()) } else { Err(InvalidCursor) }
    }

    fn tag(&self, query: &[u8], position: &[u8]) -> [u8; TAG] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(&[VERSION]);
        mac.update(&(query.len() as u64).to_be_bytes());
        mac.update(query);
        mac.update(position);
        let mut tag = [0; TAG];
        tag.copy_from_slice(&mac.finalize().into_bytes()[..TAG]);
        tag
    }
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursors(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_for_the_same_query_only() {
        let cursors = Cursors::new([7; 32]);
        let cursor = cursors.seal(b"workspace a, newest first", b"position");
        assert_eq!(cursors.open(b"workspace a, newest first", &cursor).as_deref(), Ok(&b"position"[..]));
        assert_eq!(cursors.open(b"workspace b, newest first", &cursor), Err(InvalidCursor));
        assert_eq!(Cursors::new([8; 32]).open(b"workspace a, newest first", &cursor), Err(InvalidCursor));
    }

    #[test]
    fn one_changed_character_is_refused() {
        let cursors = Cursors::new([7; 32]);
        let cursor = cursors.seal(b"q", b"some position");
        for at in 0..cursor.len() {
            let mut forged = cursor.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(cursors.open(b"q", &forged), Err(InvalidCursor), "{forged}");
        }
        for text in ["", "A", "!", &cursor[..8], &"A".repeat(5_000)] {
            assert_eq!(cursors.open(b"q", text), Err(InvalidCursor));
        }
    }
}
