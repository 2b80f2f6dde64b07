//! Bad input: whatever comes, the answer has the one shape of errors, the right status, and nothing is made of it.

mod bodies;
mod queries;
mod values;

use axum::body::Body;
use http::Method;

use crate::harness::{Reply, Server};

/// Posts these bytes as a link.
async fn create(server: &Server, body: impl Into<Body>) -> Reply {
    server.ask(Method::POST, "/v1/links").header("content-type", "application/json").body(body).send().await
}

fn malformed() -> (u16, String) {
    (400, "MALFORMED_REQUEST".into())
}

fn invalid() -> (u16, String) {
    (422, "VALIDATION_FAILED".into())
}
