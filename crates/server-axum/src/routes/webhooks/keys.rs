//! The public keys that deliveries can be checked with.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};

use crate::app::App;
use crate::reply::Reply;

/// Five minutes: a new key is published weeks before it signs, and a leak should not be believed for long.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

pub(in crate::routes) async fn published(State(app): State<Arc<App>>) -> Reply {
    let keys = app.platform.webhooks.published_keys().await?;
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json")), (CACHE_CONTROL, KEPT)];
    Ok((headers, keys.to_string()).into_response())
}
