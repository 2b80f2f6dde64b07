//! Signed tokens in their compact form (RFC 7515 §7.1), read strictly (RFC 8725 §3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::flaw::Flaw;
use crate::fields;

/// The longest token: 8 KiB, which is what a header of a request may be anyway.
pub(crate) const LONGEST: usize = 8 * 1_024;
/// What a header may not hold: extensions that nobody here understands, and keys that the token brings along.
const ASKS: [&str; 6] = ["crit", "jwk", "jku", "x5u", "x5c", "b64"];
/// The longest `kid`. It is a name and nothing else.
const LONGEST_KID: usize = 256;

/// A token that was taken apart. Nothing in it is believed before its signature is checked.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    pub(crate) typ: Option<String>,
    pub(crate) claims: Map<String, Value>,
    /// What the signature is over.
    pub(crate) signed: &'a str,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`Flaw`] for every text that two readers could read in two ways.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Flaw> {
        let (header, claims, signature, signed) = split(text)?;
        let mut header = object(&header).ok_or(Flaw::Header)?;
        if let Some(asks) = ASKS.into_iter().find(|name| header.contains_key(*name)) {
            return Err(Flaw::HeaderAsks(asks));
        }
        let algorithm = match header.remove("alg") {
            Some(Value::String(name)) => Algorithm::parse(&name).map_err(|_| Flaw::Algorithm)?,
            _ => return Err(Flaw::Algorithm),
        };
        let kid = text_of(header.remove("kid"))?.filter(|kid| kid.len() <= LONGEST_KID);
        let typ = text_of(header.remove("typ"))?;
        let claims = object(&claims).ok_or(Flaw::Claims)?;
        Ok(Self { algorithm, kid, typ, claims, signed, signature })
    }

    /// The claim `iss` of a token, unverified: who is to be asked about it.
    pub(crate) fn issuer_of(text: &str) -> Option<String> {
        let (_, claims, _, _) = split(text).ok()?;
        match object(&claims)?.remove("iss") {
            Some(Value::String(issuer)) => Some(issuer),
            _ => None,
        }
    }
}

type Parts<'a> = (Vec<u8>, Vec<u8>, Vec<u8>, &'a str);

fn split(text: &str) -> Result<Parts<'_>, Flaw> {
    if text.len() > LONGEST {
        return Err(Flaw::TooLong);
    }
    let mut parts = text.split('.');
    let (Some(header), Some(claims), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Flaw::NotCompact);
    };
    // The engine refuses padding, letters of other alphabets, and bits that are left over.
    let decode = |part: &str| match part.is_empty() {
        true => Err(Flaw::NotCompact),
        false => URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::NotCompact),
    };
    let signed = &text[..header.len() + 1 + claims.len()];
    Ok((decode(header)?, decode(claims)?, decode(signature)?, signed))
}

fn object(text: &[u8]) -> Option<Map<String, Value>> {
    match fields::parse(text) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

fn text_of(value: Option<Value>) -> Result<Option<String>, Flaw> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Flaw::Header),
    }
}
