//! How a client shows who it is: in one way, never two (RFC 6749 §2.3).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;
use waypost_core::clients::{ClientProof, RefusalCode};

use super::form::{Form, invalid};
use crate::error::ApiError;

/// The one type of assertions (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The proof that a request holds.
pub(super) fn read(headers: &HeaderMap, form: &Form) -> Result<ClientProof, ApiError> {
    let id = form.get("client_id");
    let basic = basic(headers)?;
    let assertion = form.get("client_assertion").or(form.get("client_assertion_type"));
    let ways = [basic.is_some(), form.get("client_secret").is_some(), assertion.is_some()];
    if ways.into_iter().filter(|way| *way).count() > 1 {
        return Err(invalid("The client authenticates in two ways at once"));
    }
    if let Some((own, secret)) = basic {
        return match id {
            Some(id) if id != own => Err(invalid("The header and client_id name two clients")),
            _ => Ok(ClientProof::Secret { id: own, secret }),
        };
    }
    if assertion.is_some() {
        if form.get("client_assertion_type") != Some(JWT_BEARER) {
            let says = "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            return Err(invalid(says));
        }
        let assertion = form.need("client_assertion", "client_assertion is missing")?.to_owned();
        return Ok(ClientProof::Assertion { id: id.map(str::to_owned), assertion });
    }
    let id = id.ok_or_else(|| unproven("The client did not authenticate"))?.to_owned();
    Ok(match form.get("client_secret") {
        Some(secret) => ClientProof::Secret { id, secret: secret.to_owned() },
        None => ClientProof::Nothing { id },
    })
}

/// Id and secret of `Authorization: Basic`, each encoded as in a form before they were joined (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(invalid("The header Authorization stands twice"));
    }
    let (scheme, text) = value.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unproven("A client authenticates by Basic, or in the body"));
    }
    let broken = || unproven("The header Authorization holds no id and secret");
    let bytes = STANDARD.decode(text.trim()).map_err(|_| broken())?;
    let text = String::from_utf8(bytes).map_err(|_| broken())?;
    let (id, secret) = text.split_once(':').ok_or_else(broken)?;
    Ok(Some((decode(id).ok_or_else(broken)?, decode(secret).ok_or_else(broken)?)))
}

fn decode(part: &str) -> Option<String> {
    let part = part.replace('+', " ");
    percent_decode_str(&part).decode_utf8().ok().map(Cow::into_owned)
}

fn unproven(says: &'static str) -> ApiError {
    ApiError::refused(RefusalCode::InvalidClient, says)
}
