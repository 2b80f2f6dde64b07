//! Tickets.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use http::StatusCode;
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::Caller;
use crate::gateway::authentication::Evidence;
use crate::reply::{self, Reply};

pub(super) async fn create(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    evidence: Option<Extension<Evidence>>,
) -> Reply {
    let shown = evidence.as_ref().map(|Extension(evidence)| &evidence.shown);
    let issued = app.platform.tickets.issue(&who, shown).await?;
    Ok(reply::respond(reply::shown_once(StatusCode::CREATED, &v1::Ticket::of(&issued))))
}
