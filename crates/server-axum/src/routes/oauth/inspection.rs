//! Taking tokens back (RFC 7009), and looking at them (RFC 7662).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use waypost_core::grants::Inspection;
use waypost_core::wire::v1;

use super::form::Form;
use super::token::unkept;
use crate::app::App;
use crate::reply::{self, Reply};

const MISSING: &str = "token is missing";

pub(crate) async fn revoke(State(app): State<Arc<App>>, form: Form) -> Reply {
    let client = form.authenticate(&app).await?;
    let token = form.need("token", MISSING)?;
    match app.platform.authorizations.revoke(&client, token).await {
        // The status says it all; the body would be ignored (RFC 7009 §2.2).
        Ok(()) => Ok(unkept(Response::default())),
        Err(refusal) => Err(form.refuse(&app, refusal).await),
    }
}

pub(crate) async fn introspect(State(app): State<Arc<App>>, form: Form) -> Reply {
    let client = form.authenticate(&app).await?;
    let token = form.need("token", MISSING)?;
    match app.platform.authorizations.inspect(&client, token).await {
        Ok(found) => {
            let body = found.map_or_else(v1::Introspection::default, |found| body(&app, &found));
            Ok(unkept(reply::respond(reply::json(StatusCode::OK, &body))))
        }
        Err(refusal) => Err(form.refuse(&app, refusal).await),
    }
}

fn body(app: &App, found: &Inspection) -> v1::Introspection {
    let issuer = app.platform.tokens.issuer();
    let of_access = |text: &str| found.id.map(|_| text.to_owned());
    v1::Introspection {
        active: true,
        scope: Some(found.scopes.to_string()),
        client_id: Some(found.client.to_string()),
        sub: Some(found.subject.clone()),
        token_type: of_access("Bearer"),
        iss: Some(issuer.to_owned()),
        aud: of_access(issuer),
        exp: Some(found.expires_at.as_second()),
        iat: found.issued_at.map(|at| at.as_second()),
        jti: found.id.map(|id| id.to_string()),
    }
}
