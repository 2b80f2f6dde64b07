//! Statistics.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use waypost_core::ids::LinkId;
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::{Caller, Id, Query};
use crate::reply::{self, Reply};

pub(super) async fn read(State(app): State<Arc<App>>, Caller(who): Caller, Id(id): Id<LinkId>, query: Query) -> Reply {
    let (asked, stats) = app.platform.analytics.stats(&who, id, query.fields).await?;
    Ok(reply::respond(reply::json(StatusCode::OK, &v1::Stats::of(&asked, stats))))
}
