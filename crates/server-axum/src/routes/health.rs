//! What balancers and operators ask.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::reply::{self, Reply};

/// The process answers.
pub(super) async fn livez() -> Reply {
    Ok(unkept(reply::respond(reply::json(StatusCode::OK, &json!({"status": "ok"})))))
}

/// Everything that must be there is there, and the server is not about to stop.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Reply {
    let mut ready = !app.is_draining();
    let mut checks = Map::new();
    for (name, outcome) in app.probe().await {
        ready &= outcome.is_ok();
        checks.insert(name, outcome.map_or_else(|error| Value::from(error.to_string()), |()| Value::from("ok")));
    }
    let status = match (ready, app.is_draining()) {
        (true, _) => "ready",
        (false, true) => "draining",
        (false, false) => "unavailable",
    };
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = unkept(reply::respond(reply::json(code, &json!({"status": status, "checks": checks}))));
    if !ready {
        response.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static("1"));
    }
    // Balancers and people read which dependency is away; the shape of errors has no place for that.
    response.extensions_mut().insert(crate::gateway::envelope::Rendered);
    Ok(response)
}

/// Figures for Prometheus.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Reply {
    let Some(exporter) = &app.metrics else {
        return Err(waypost_core::Error::not_found("recorder of metrics in this program").into());
    };
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok(unkept((kind, exporter.render()).into_response()))
}

fn unkept(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}
