//! Sessions.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use waypost_core::Error;
use waypost_core::grants::Sessions;
use waypost_core::ids::{GrantId, WorkspaceId};
use waypost_core::wire::v1;

use crate::app::App;
use crate::cookies::{self, SESSION};
use crate::extract::{CurrentSession, Id, JsonBody};
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

pub(in crate::routes) async fn switch(
    State(app): State<Arc<App>>,
    CurrentSession(session): CurrentSession,
    body: JsonBody,
) -> Reply {
    let mut fields = body.fields()?;
    let workspace = fields.text("workspace_id", WorkspaceId::parse).value();
    if workspace.is_none() && !fields.is_at_fault("workspace_id") {
        fields.fault("workspace_id", "must be there");
    }
    fields.finish()?;
    let workspace = workspace.ok_or_else(|| Error::internal("a workspace that is missing was not noted"))?;
    let started = app.platform.sessions.switch(&session, workspace).await?;
    let cookie = cookies::keep(SESSION, started.text.expose(), Sessions::LONGEST);
    Ok(super::bare(StatusCode::NO_CONTENT, [cookie]))
}
