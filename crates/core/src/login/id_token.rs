//! ID tokens (OpenID Connect Core §3.1.3.7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::LoginOptions;
use crate::error::Result;
use crate::issuers::{Algorithm, Claims, Flaw, Issuer, Jws, SKEW};

/// The oldest `iat`: an ID token comes fresh from the provider, and one of yesterday from somewhere else.
const OLDEST: std::time::Duration = std::time::Duration::from_secs(600);

/// Who signed in.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) subject: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
}

/// What an ID token is checked against.
pub(super) struct Expected<'a> {
    pub(super) options: &'a LoginOptions,
    pub(super) nonce: &'a str,
    pub(super) access_token: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// Checks an ID token that came from the token endpoint.
///
/// # Errors
/// Those of the provider's keys; the flaw is the inner value.
pub(super) async fn check(text: &str, issuer: &Issuer, expected: &Expected<'_>) -> Result<Result<Identity, Flaw>> {
    let token = match Jws::parse(text) {
        Ok(token) => token,
        Err(flaw) => return Ok(Err(flaw)),
    };
    if !expected.options.algorithms.contains(&token.algorithm) {
        return Ok(Err(Flaw::Algorithm));
    }
    // An access token in its place (RFC 9068 §2.1).
    let typ = token.typ.as_deref().unwrap_or("JWT");
    if !typ.eq_ignore_ascii_case("jwt") {
        return Ok(Err(Flaw::Type));
    }
    if let Err(flaw) = issuer.check(&token).await? {
        return Ok(Err(flaw));
    }
    let algorithm = token.algorithm;
    Ok(read(&Claims(token.claims), algorithm, expected))
}

fn read(claims: &Claims, algorithm: Algorithm, expected: &Expected<'_>) -> Result<Identity, Flaw> {
    let options = expected.options;
    if claims.must("iss")? != options.issuer {
        return Err(Flaw::Issuer);
    }
    let audiences = claims.audiences()?;
    if !audiences.contains(&options.client_id.as_str()) {
        return Err(Flaw::Audience);
    }
    let party = claims.text("azp")?;
    if party.is_some_and(|party| party != options.client_id) || (audiences.len() > 1 && party.is_none()) {
        return Err(Flaw::Party);
    }
    claims.check_times(expected.now)?;
    claims.must_be_dated()?;
    let issued = claims.0.get("iat").and_then(Value::as_f64).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century are exact")]
    let oldest = (expected.now - OLDEST - SKEW).as_second() as f64;
    if issued < oldest {
        return Err(Flaw::Expired);
    }
    let nonce = claims.text("nonce")?.unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err(Flaw::Nonce);
    }
    if let Some(hash) = claims.text("at_hash")? {
        let belongs = expected.access_token.is_some_and(|token| half_hash(algorithm, token).as_deref() == Some(hash));
        if !belongs && takes_sha_256(algorithm) {
            return Err(Flaw::Bound);
        }
    }
    let verified = claims.0.get("email_verified") == Some(&Value::Bool(true));
    Ok(Identity {
        subject: claims.must("sub").map(str::to_owned)?,
        name: shown(claims.0.get("name")),
        email: shown(claims.0.get("email")).filter(|_| verified),
    })
}

/// A text to be shown to people; of another kind or form, it is none.
fn shown(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?.trim();
    let fits = !text.is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// Core §3.1.3.6: the left half of the hash that goes with the algorithm. Those of other lengths are rare, and the token
/// came over the provider's own connection anyway.
fn takes_sha_256(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256)
}

fn half_hash(algorithm: Algorithm, token: &str) -> Option<String> {
    takes_sha_256(algorithm).then(|| URL_SAFE_NO_PAD.encode(&Sha256::digest(token.as_bytes())[..16]))
}
