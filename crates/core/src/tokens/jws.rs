//! Reading signed tokens before anything in them is believed (RFC 7515, RFC 8725).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{Claims, Fault};
use crate::fields;

/// The largest token that is looked at. Ours have about 600 bytes; a header of 32 KiB could hold one that costs more to
/// refuse than it is worth.
const MOST: usize = 8 * 1_024;

/// Header parameters by which a token would bring its own key (`jwk`, `x5c`), have one fetched (`jku`, `x5u`), change the
/// rules (`crit`, `b64`), or unpack to any size (`zip`).
const REFUSED: [&str; 7] = ["crit", "jwk", "jku", "x5u", "x5c", "b64", "zip"];

/// A token in the compact serialisation, taken apart and not yet believed.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    /// What is signed: header and claims as they were sent.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes a token apart.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Fault> {
        if text.len() > MOST {
            return Err(Fault::TooLarge);
        }
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Fault::Parts);
        };
        let signed = &text.as_bytes()[..header.len() + 1 + claims.len()];
        let header = object(header)?;
        if let Some(name) = REFUSED.into_iter().find(|name| header.contains_key(*name)) {
            return Err(Fault::Header(name));
        }
        Ok(Self { header, claims: object(claims)?, signed, signature: decode(signature)? })
    }

    /// The algorithm that the header names. It is compared, and never chosen by.
    pub(crate) fn algorithm(&self) -> &str {
        self.header_text("alg").unwrap_or_default()
    }

    /// The key that the header names: a name to look up by, and nothing else.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header_text("kid")
    }

    /// Whether the header names this type; `application/` may stand before it, in any case (RFC 7515 §4.1.9).
    pub(crate) fn is_of_type(&self, wanted: &str) -> bool {
        let given = self.header_text("typ").unwrap_or_default();
        let prefix = "application/";
        let short = match given.get(..prefix.len()) {
            Some(start) if start.eq_ignore_ascii_case(prefix) => &given[prefix.len()..],
            _ => given,
        };
        short.eq_ignore_ascii_case(wanted)
    }

    /// Whether the header names a type at all.
    pub(crate) fn has_type(&self) -> bool {
        self.header.contains_key("typ")
    }

    /// The claims, which are to be believed once the signature is.
    pub(crate) fn claims(&self) -> Claims<'_> {
        Claims(&self.claims)
    }

    fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Encoding)
}

fn object(part: &str) -> Result<Map<String, Value>, Fault> {
    match fields::parse(&decode(part)?) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Fault::Json),
    }
}

/// Writes what is to be signed, by way of `sign`, as a token.
pub(crate) fn write<E>(
    header: &Value,
    claims: &Value,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<String, E> {
    let mut text = URL_SAFE_NO_PAD.encode(header.to_string());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut text);
    let signature = sign(text.as_bytes())?;
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    Ok(text)
}
