//! The token endpoint (RFC 6749 §3.2).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, PRAGMA};
use waypost_core::clients::RefusalCode;
use waypost_core::grants::{CodeProof, Issued};
use waypost_core::wire::v1;

use super::form::Form;
use crate::app::App;
use crate::error::ApiError;
use crate::reply::{self, Reply};

/// The grant types that there are.
pub(super) const CLIENT: &str = "client_credentials";
pub(super) const CODE: &str = "authorization_code";
pub(super) const REFRESH: &str = "refresh_token";

pub(crate) async fn issue(State(app): State<Arc<App>>, form: Form) -> Reply {
    let grant = form.need("grant_type", "grant_type is missing")?;
    if ![CLIENT, CODE, REFRESH].contains(&grant) {
        let says = "grant_type must be client_credentials, authorization_code or refresh_token";
        return Err(ApiError::refused(RefusalCode::UnsupportedGrantType, says));
    }
    let client = form.authenticate(&app).await?;
    let scopes = form.scopes()?;
    let authorizations = &app.platform.authorizations;
    let issued = match grant {
        CODE => {
            let shown = CodeProof {
                code: form.need("code", "code is missing")?,
                redirect_uri: form.need("redirect_uri", "redirect_uri is missing")?,
                verifier: form.need("code_verifier", "code_verifier is missing; codes are bound by PKCE")?,
            };
            authorizations.by_code(&client, shown).await
        }
        REFRESH => {
            let token = form.need("refresh_token", "refresh_token is missing")?;
            authorizations.by_refresh(&client, token, scopes).await
        }
        _ => authorizations.for_client(&client, scopes).await,
    };
    match issued {
        Ok(issued) => Ok(unkept(reply::respond(reply::json(StatusCode::OK, &body(&issued))))),
        Err(refusal) => Err(form.refuse(&app, refusal).await),
    }
}

fn body(issued: &Issued) -> v1::TokenResponse {
    v1::TokenResponse {
        access_token: issued.access.text.to_string(),
        token_type: "Bearer".to_owned(),
        expires_in: issued.expires_in,
        refresh_token: issued.refresh.as_ref().map(|text| text.expose().to_owned()),
        scope: issued.access.token.scopes.to_string(),
    }
}

/// The same answer, which nobody keeps (RFC 6749 §5.1).
pub(super) fn unkept(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
