//! The framing of a body (RFC 9112 §6 and §7.1), read as its bytes come.

use std::io;

use super::wire::Head;

/// Where in a body one stands.
#[derive(Debug)]
pub struct Body(Place);

#[derive(Debug)]
enum Place {
    /// In the digits of a chunk's size.
    Size { size: u64, digits: u8 },
    /// Behind the digits, up to the end of the line.
    Extension { size: u64 },
    /// In a chunk, with so much of it to come.
    Data { left: u64 },
    /// Behind a chunk, in its closing CR LF.
    AfterData { is_cr_read: bool },
    /// In a line behind the last chunk, which so far is empty or not.
    Trailer { is_empty: bool },
    /// In a body of known length, with so much of it to come.
    Rest { left: u64 },
    /// In a body that ends with its connection.
    UntilClose,
    /// Behind the body.
    Over,
}

impl Body {
    /// Where the body after this head begins.
    pub fn after(head: &Head) -> Self {
        let is_chunked = head.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
        let length = head.header("content-length").and_then(|value| value.parse().ok());
        Self(match (is_chunked, length) {
            _ if head.status == 204 => Place::Over,
            (true, _) => Place::Size { size: 0, digits: 0 },
            (false, Some(0)) => Place::Over,
            (false, Some(left)) => Place::Rest { left },
            (false, None) => Place::UntilClose,
        })
    }

    /// Whether all of it was read.
    pub fn is_over(&self) -> bool {
        matches!(self.0, Place::Over)
    }

    /// Whether the end of the connection is its end.
    pub fn ends_with_connection(&self) -> bool {
        matches!(self.0, Place::UntilClose)
    }

    /// Hands on what of these bytes is content, and gives how many of them belong to the body at all.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] where the framing is broken.
    pub fn read(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8])) -> io::Result<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let available = u64::try_from(rest.len()).unwrap_or(u64::MAX);
            self.0 = match self.0 {
                Place::Data { left } | Place::Rest { left } => {
                    let length = left.min(available);
                    take(&rest[..length as usize]);
                    at += length as usize;
                    let is_chunk = matches!(self.0, Place::Data { .. });
                    match (left - length, is_chunk) {
                        (0, true) => Place::AfterData { is_cr_read: false },
                        (0, false) => Place::Over,
                        (left, true) => Place::Data { left },
                        (left, false) => Place::Rest { left },
                    }
                }
                Place::UntilClose => {
                    take(rest);
                    at = bytes.len();
                    Place::UntilClose
                }
                Place::Over => return Ok(at),
                _ => {
                    at += 1;
                    self.step(rest[0])?
                }
            };
        }
        Ok(at)
    }

    /// The place behind one byte of the framing of chunks.
    fn step(&self, byte: u8) -> io::Result<Place> {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, format!("byte {byte:#04x} in {:?}", self.0));
        let sized = |size| if size == 0 { Place::Trailer { is_empty: true } } else { Place::Data { left: size } };
        match (&self.0, byte) {
            (Place::Size { size, digits }, byte) if byte.is_ascii_hexdigit() && *digits < 15 => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                Ok(Place::Size { size: size * 16 + digit, digits: digits + 1 })
            }
            (Place::Size { size, digits: 1.. }, b'\n') => Ok(sized(*size)),
            (Place::Size { size, digits: 1.. }, b'\r' | b';' | b' ' | b'\t') => Ok(Place::Extension { size: *size }),
            (Place::Extension { size }, b'\n') => Ok(sized(*size)),
            (Place::Extension { size }, _) => Ok(Place::Extension { size: *size }),
            (Place::AfterData { is_cr_read: false }, b'\r') => Ok(Place::AfterData { is_cr_read: true }),
            (Place::AfterData { is_cr_read: true }, b'\n') => Ok(Place::Size { size: 0, digits: 0 }),
            (Place::Trailer { is_empty: true }, b'\n') => Ok(Place::Over),
            (Place::Trailer { is_empty: false }, b'\n') => Ok(Place::Trailer { is_empty: true }),
            (Place::Trailer { is_empty }, b'\r') => Ok(Place::Trailer { is_empty: *is_empty }),
            (Place::Trailer { .. }, _) => Ok(Place::Trailer { is_empty: false }),
            _ => Err(broken()),
        }
    }
}
