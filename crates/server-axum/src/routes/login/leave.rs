//! Signing out.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::cookies::{self, SESSION};
use crate::extract::CurrentSession;
use crate::reply::Reply;

pub(in crate::routes) async fn logout(State(app): State<Arc<App>>, CurrentSession(session): CurrentSession) -> Reply {
    app.platform.sessions.end(session.grant.user, session.grant.id).await?;
    Ok(super::bare(StatusCode::NO_CONTENT, [cookies::forget(SESSION)]))
}

pub(in crate::routes) async fn logout_all(
    State(app): State<Arc<App>>,
    CurrentSession(session): CurrentSession,
) -> Reply {
    app.platform.sessions.end_all(session.grant.user).await?;
    Ok(super::bare(StatusCode::NO_CONTENT, [cookies::forget(SESSION)]))
}
