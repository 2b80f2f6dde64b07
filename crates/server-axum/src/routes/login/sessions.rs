//! Sessions.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use waypost_core::ids::GrantId;
use waypost_core::wire::v1;

use crate::app::App;
use crate::cookies::{self, SESSION};
use crate::extract::{CurrentSession, Id};
use crate::reply::{self, Reply};

pub(in crate::routes) async fn current(CurrentSession(session): CurrentSession) -> Reply {
    Ok(reply::respond(reply::json(StatusCode::OK, &v1::CurrentSession::of(&session))))
}

pub(in crate::routes) async fn list(State(app): State<Arc<App>>, CurrentSession(session): CurrentSession) -> Reply {
    let own = app.platform.sessions.list(session.grant.user).await?;
    let data = own.iter().map(|grant| v1::Session::of(grant, &session.grant)).collect();
    let body = v1::Page { data, next_cursor: None, has_more: false };
    Ok(reply::respond(reply::json(StatusCode::OK, &body)))
}

pub(in crate::routes) async fn end(
    State(app): State<Arc<App>>,
    CurrentSession(session): CurrentSession,
    Id(id): Id<GrantId>,
) -> Reply {
    app.platform.sessions.end(session.grant.user, id).await?;
    let own = (id == session.grant.id).then(|| cookies::forget(SESSION)).flatten();
    Ok(super::bare(StatusCode::NO_CONTENT, [own]))
}
