//! Typed ids: a prefix that names the kind, and 128 bits that sort by time.
//!
//! The bits are a UUID of version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then randomness. The text is the
//! prefix, `_`, and 26 characters of Crockford's base 32, so ids of one kind sort as text the way they were made.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

use crate::entropy::Entropy;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TEXT: usize = 26;

/// The text is not an id of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `{prefix}_` and 26 characters of Crockford's base 32")]
pub struct InvalidId {
    prefix: &'static str,
}

/// Makes the 128 bits of a fresh id.
pub(crate) fn fresh(now: Timestamp, entropy: &dyn Entropy) -> u128 {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_u128()
}

/// Writes 128 bits as 26 characters.
pub(crate) fn encode(bits: u128) -> [u8; TEXT] {
    let mut out = [0; TEXT];
    for (place, byte) in out.iter_mut().enumerate() {
        *byte = ALPHABET[(bits >> (5 * (TEXT - 1 - place)) & 31) as usize];
    }
    out
}

/// Reads 26 characters; `None` for any other text, and for one that says more than 128 bits.
pub(crate) fn decode(text: &[u8]) -> Option<u128> {
    if text.len() != TEXT || text[0] > b'7' {
        return None;
    }
    text.iter().try_fold(0, |bits: u128, byte| {
        let digit = ALPHABET.iter().position(|letter| letter == byte)?;
        Some(bits << 5 | digit as u128)
    })
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u128);

        impl $name {
            /// What its text begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A fresh id of this moment.
            pub fn fresh(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(fresh(now, entropy))
            }

            /// Reads an id from its text.
            ///
            /// # Errors
            /// [`InvalidId`] names the form that is expected.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(|rest| decode(rest.as_bytes()))
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }

            /// The bits as a store keeps them: 16 bytes, big end first, in the order of time.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// The id that a store kept as these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }

            /// The text as bytes: ASCII, without the detour of a formatter.
            pub fn to_text(self) -> [u8; $prefix.len() + 1 + TEXT] {
                let mut text = [b'_'; $prefix.len() + 1 + TEXT];
                text[..$prefix.len()].copy_from_slice($prefix.as_bytes());
                text[$prefix.len() + 1..].copy_from_slice(&encode(self.0));
                text
            }

            /// The bits as a UUID.
            pub fn to_uuid(self) -> Uuid {
                Uuid::from_u128(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(std::str::from_utf8(&self.to_text()).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
    )*};
}

typed_ids! {
    /// Names a link.
    LinkId = "lnk";
    /// Names an event; the same on every channel and on every delivery.
    EventId = "evt";
    /// Names an API key; part of the key's own text.
    KeyId = "key";
    /// Names a workspace, the boundary that nothing crosses.
    WorkspaceId = "wsp";
    /// Names a request, in `X-Request-Id`, errors and logs.
    RequestId = "req";
    /// Names an OAuth client; its `client_id`.
    ClientId = "cli";
    /// Names a person who signed in, in whatever workspaces.
    UserId = "usr";
    /// Names what a person granted: a session of a browser, or the tokens of a client.
    GrantId = "grt";
    /// Names a token, in its claim `jti`.
    TokenId = "tok";
    /// Names whom a foreign issuer vouches for.
    SubjectId = "sub";
    /// Names a webhook endpoint.
    WebhookId = "whk";
    /// Names a delivery within its endpoint: the bits are those of the event that is delivered.
    DeliveryId = "dlv";
    /// Names a live session: one connection of one client, on whatever node.
    SessionId = "ses";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn text_round_trips_and_sorts_by_time() {
        let entropy = SeededEntropy::new(1);
        let early = LinkId::fresh(Timestamp::from_second(1_000).unwrap(), &entropy);
        let late = LinkId::fresh(Timestamp::from_second(2_000).unwrap(), &entropy);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(LinkId::parse(&early.to_string()), Ok(early));
        assert_eq!(LinkId::from_bytes(late.to_bytes()), late);
    }

    #[test]
    fn another_kind_or_form_is_refused() {
        let id = LinkId::fresh(Timestamp::UNIX_EPOCH, &SeededEntropy::new(1)).to_string();
        let bits = &id["lnk_".len()..];
        for text in [
            format!("evt_{bits}"),
            format!("lnk_{}", bits.to_lowercase().replace('0', "o")),
            format!("lnk_8{}", &bits[1..]),
            format!("lnk_{bits}0"),
            "lnk_".to_owned(),
            bits.to_owned(),
        ] {
            assert!(LinkId::parse(&text).is_err(), "{text}");
        }
    }
}
