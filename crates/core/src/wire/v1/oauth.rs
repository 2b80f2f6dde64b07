//! OAuth on the wire: the platform's own resources, and the shapes that its standards give.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Time;

/// A client to be registered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateOAuthClient {
    /// What it is called, 1 to 128 characters.
    pub name: String,
    /// The most that its tokens may do; no more than you may.
    pub scopes: Vec<String>,
    /// The plan that it is limited by; yours if none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// How it proves who it is: `secret`, `key` or `none`. By a key if it brings `jwks`, else by a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// Its public keys, Ed25519 or P-256, as a JWK set (RFC 7517), for `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub jwks: Option<Value>,
    /// Where people may be sent back to, at most 10; needed for `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uris: Option<Vec<String>>,
}

/// How to rotate a client's secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    /// For how many seconds the secrets before live on, 0 to 604800. Default 86400, a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<u64>,
}

/// An OAuth client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OAuthClient {
    /// Its id.
    #[cfg_attr(feature = "schema", schema(example = "cli_01JD3X8M2V7Q5T9B4C6E8G0HJK"))]
    pub client_id: String,
    /// The workspace that it acts in.
    pub workspace_id: String,
    /// What it is called.
    pub name: String,
    /// The most that its tokens may do.
    pub scopes: Vec<String>,
    /// The plan that it is limited by; the common one if none is named.
    pub plan: Option<String>,
    /// How it proves who it is: `secret`, `key` or `none`.
    pub auth: String,
    /// Its secrets that are live, the newest first.
    pub secrets: Vec<OAuthClientSecret>,
    /// Its public keys.
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub jwks: Option<Value>,
    /// Where people may be sent back to.
    pub redirect_uris: Vec<String>,
    /// When it was registered.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub created_at: Time,
    /// When it was revoked.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub revoked_at: Option<Time>,
}

/// What may be known of a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OAuthClientSecret {
    /// Its last four characters.
    pub hint: String,
    /// When it was made.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub created_at: Time,
    /// When it ends.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Time>,
}

/// An OAuth client, with a secret that was just made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct IssuedOAuthClient {
    /// The client.
    #[serde(flatten)]
    pub client: OAuthClient,
    /// Its secret, shown this once; null for a client without one, and on a replay.
    pub client_secret: Option<String>,
}

#[cfg(feature = "services")]
impl OAuthClient {
    /// Shows a client as it is at `now`.
    pub fn of(client: &crate::clients::Client, now: jiff::Timestamp) -> Self {
        let live = client.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|at| at > now));
        let secrets = live.map(|secret| OAuthClientSecret {
            hint: secret.hint.clone(),
            created_at: Time(secret.created_at),
            expires_at: secret.expires_at.map(Time),
        });
        Self {
            client_id: client.id.to_string(),
            workspace_id: client.workspace.to_string(),
            name: client.name.clone(),
            scopes: client.scopes.to_string().split_whitespace().map(str::to_owned).collect(),
            plan: client.plan.as_ref().map(ToString::to_string),
            auth: crate::clients::ClientAuth::of(client).as_str().to_owned(),
            secrets: secrets.collect(),
            jwks: client.jwks.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            created_at: Time(client.created_at),
            revoked_at: client.revoked_at.map(Time),
        }
    }
}

/// What a client asks the token endpoint for, as a form (RFC 6749 §4.1.3, §4.4.2, §6). Credentials stand in the header
/// `Authorization: Basic`, or here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TokenRequest {
    /// `client_credentials`, `authorization_code` or `refresh_token`.
    pub grant_type: String,
    /// Fewer scopes than could be had.
    pub scope: Option<String>,
    /// The code, for `authorization_code`.
    pub code: Option<String>,
    /// Where the code was sent to.
    pub redirect_uri: Option<String>,
    /// The verifier of the code's challenge (RFC 7636).
    pub code_verifier: Option<String>,
    /// The refresh token, for `refresh_token`.
    pub refresh_token: Option<String>,
    /// The client.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<String>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    pub client_assertion_type: Option<String>,
    /// Its assertion (RFC 7523).
    pub client_assertion: Option<String>,
}

/// A token to be taken back or looked at, as a form (RFC 7009 §2.1, RFC 7662 §2.1). Credentials stand in the header
/// `Authorization: Basic`, or here, as at the token endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TokenReference {
    /// The access or refresh token.
    pub token: String,
    /// What it may be; it is told by itself.
    pub token_type_hint: Option<String>,
}

/// Tokens (RFC 6749 §5.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TokenResponse {
    /// The access token, for `Authorization: Bearer`.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// In how many seconds it ends.
    pub expires_in: u64,
    /// The refresh token, which is used once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// What may be done with the access token.
    pub scope: String,
}

/// What there is to know of a token (RFC 7662 §2.2). Of one that is not good, only that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Introspection {
    /// Whether it is good.
    pub active: bool,
    /// What may be done with it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Whom it was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// In whose name it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// `Bearer`, of an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// For whom it is, of an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    /// When it ends, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// When it was issued, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

/// Why a client is refused (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OAuthError {
    /// The name of the rule.
    pub error: String,
    /// The same in words.
    pub error_description: String,
}
