//! W3C Trace Context: the header `traceparent`, carried on into events and webhooks.

use std::fmt;

use http::HeaderMap;
use waypost_core::entropy::Entropy;

const LENGTH: usize = 55;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// A `traceparent` of version 00 (W3C Trace Context §3.2): `00-<trace id>-<parent id>-<flags>`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParent([u8; LENGTH]);

impl TraceParent {
    /// Reads the text of a header.
    ///
    /// `None` if it is not valid: wrong length, upper case, an id of zeros, version `ff`. A later version may have more
    /// after the flags; what is known of it is kept as version 00.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let known: &[u8; LENGTH] = text.first_chunk()?;
        let fits = match &known[..2] {
            b"00" => text.len() == LENGTH,
            b"ff" => false,
            _ => text.get(LENGTH).is_none_or(|next| *next == b'-'),
        };
        let hex = |byte: &u8| HEX.contains(byte);
        let form = known.iter().enumerate().all(|(at, byte)| match at {
            2 | 35 | 52 => *byte == b'-',
            _ => hex(byte),
        });
        let some = |part: &[u8]| part.iter().any(|byte| *byte != b'0');
        let mut kept = *known;
        kept[..2].copy_from_slice(b"00");
        (fits && form && some(&known[3..35]) && some(&known[36..52])).then_some(Self(kept))
    }

    /// The caller's, if there is exactly one and it is valid.
    pub fn carried(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        Self::parse(value.as_bytes())
    }

    /// A new trace, sampled.
    pub fn fresh(entropy: &dyn Entropy) -> Self {
        let mut random = [0; 24];
        entropy.fill(&mut random);
        // Zeros alone would be no id.
        random[0] |= 1;
        random[16] |= 1;
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-01";
        for (at, byte) in random.iter().enumerate() {
            let place = if at < 16 { 3 + 2 * at } else { 36 + 2 * (at - 16) };
            text[place] = HEX[usize::from(byte >> 4)];
            text[place + 1] = HEX[usize::from(byte & 15)];
        }
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The id of the trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.as_str()[3..35]
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use waypost_core::entropy::OsEntropy;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn only_the_exact_form_is_carried() {
        assert_eq!(TraceParent::parse(GOOD.as_bytes()).unwrap().as_str(), GOOD);
        for bad in [
            "",
            "00",
            &GOOD.to_uppercase(),
            &GOOD[..54],
            &format!("{GOOD}-x"),
            &GOOD.replace("00-", "ff-"),
            &GOOD.replace('-', "_"),
            &GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &GOOD.replace("b7ad6b7169203331", &"0".repeat(16)),
            &GOOD.replace("0af", "0ag"),
        ] {
            assert!(TraceParent::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        let later = format!("{}-more", GOOD.replace("00-", "cc-"));
        assert_eq!(TraceParent::parse(later.as_bytes()).unwrap().as_str(), GOOD);
    }

    #[test]
    fn a_fresh_one_is_valid() {
        for _ in 0..100 {
            let fresh = TraceParent::fresh(&OsEntropy);
            assert_eq!(TraceParent::parse(fresh.as_str().as_bytes()), Some(fresh));
        }
    }
}
