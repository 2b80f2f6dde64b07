//! What there is to know before anything is asked: metadata and keys.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use waypost_core::clients::Clients;
use waypost_core::credentials::Scope;
use waypost_core::grants::Challenge;

use super::{AUTHORIZE, INTROSPECT, KEYS, REVOKE, token};
use crate::app::App;
use crate::reply::Reply;

/// Five minutes: a new key is published weeks before it signs, and a leak should not be believed for long.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The public keys (RFC 7517 §5).
pub(crate) async fn keys(State(app): State<Arc<App>>) -> Reply {
    let keys = app.platform.tokens.published_keys().await?;
    Ok(document(&keys))
}

/// What the authorisation server can do (RFC 8414 §2): that, and no more.
pub(crate) async fn server(State(app): State<Arc<App>>) -> Reply {
    let site = app.site();
    let ways = json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]);
    let proofs = json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]);
    let algorithms = json!(["EdDSA", "ES256"]);
    let mut told = json!({
        "issuer": app.platform.tokens.issuer(),
        "token_endpoint": site.url(Clients::TOKEN_PATH),
        "token_endpoint_auth_methods_supported": ways,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint": site.url(REVOKE),
        "revocation_endpoint_auth_methods_supported": ways,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint": site.url(INTROSPECT),
        "introspection_endpoint_auth_methods_supported": proofs,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "jwks_uri": site.url(KEYS),
        "scopes_supported": scopes(),
        // Required, even where it is empty (RFC 8414 §2).
        "response_types_supported": [],
        "grant_types_supported": [token::CLIENT],
        "service_documentation": site.url("/docs"),
    });
    // Where nobody signs in, nobody can be asked for anything.
    if app.platform.login.is_some() {
        told["authorization_endpoint"] = site.url(AUTHORIZE).into();
        told["response_types_supported"] = json!(["code"]);
        told["grant_types_supported"] = json!([token::CLIENT, token::CODE, token::REFRESH]);
        told["code_challenge_methods_supported"] = json!([Challenge::METHOD]);
        told["authorization_response_iss_parameter_supported"] = true.into();
    }
    Ok(document(&told))
}

/// What the API takes tokens of (RFC 9728 §2).
pub(crate) async fn resource(State(app): State<Arc<App>>) -> Reply {
    let issuer = app.platform.tokens.issuer();
    Ok(document(&json!({
        "resource": issuer,
        "authorization_servers": [issuer],
        "jwks_uri": app.site().url(KEYS),
        "scopes_supported": scopes(),
        "bearer_methods_supported": ["header"],
        "resource_documentation": app.site().url("/docs"),
    })))
}

fn scopes() -> Vec<&'static str> {
    Scope::ALL.map(Scope::as_str).to_vec()
}

fn document(body: &Value) -> axum::response::Response {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json")), (CACHE_CONTROL, KEPT)];
    (headers, body.to_string()).into_response()
}
