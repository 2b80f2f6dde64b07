//! What an issuer publishes of itself (OpenID Connect Discovery §3).

use serde_json::Value;
use url::Url;

use super::may_ask;
use crate::fields;

/// What an issuer publishes of itself, as far as it is used here.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// Where its keys are.
    pub jwks_uri: Url,
    /// Where people are sent to sign in.
    pub authorization_endpoint: Option<Url>,
    /// Where codes are turned into tokens.
    pub token_endpoint: Option<Url>,
    /// Whether its answers to sign-ins name it (RFC 9207).
    pub names_itself: bool,
    /// Whether clients may show their secret in the form alone.
    pub secret_in_form: bool,
}

impl Metadata {
    /// Where an issuer publishes it: its path, and then the well-known one (Discovery §4).
    pub(super) fn url_of(issuer: &str) -> Option<Url> {
        Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))).ok()
    }

    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it, for the log.
    pub(super) fn parse(text: &[u8], issuer: &str) -> Result<Self, &'static str> {
        let value = fields::parse(text).map_err(|_| "its metadata are not strict JSON")?;
        if value.get("issuer").and_then(Value::as_str) != Some(issuer) {
            // Discovery §4.3: or somebody could answer in another's name.
            return Err("its metadata name another issuer");
        }
        let url = |name: &str| {
            let url = value.get(name).and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
            url.filter(may_ask)
        };
        let methods = value.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        let has = |method: &str| methods.is_some_and(|methods| methods.iter().any(|own| own == method));
        Ok(Self {
            jwks_uri: url("jwks_uri").ok_or("its metadata name no jwks_uri that may be asked")?,
            authorization_endpoint: url("authorization_endpoint"),
            token_endpoint: url("token_endpoint"),
            names_itself: value.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
            // Without a word, it is the header (Discovery §3).
            secret_in_form: has("client_secret_post") && !has("client_secret_basic"),
        })
    }
}
