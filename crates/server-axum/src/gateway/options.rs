//! `OPTIONS` and `Allow`, from the table of routes.
//!
//! `OPTIONS` of a path that exists is 204 with `Allow`, of one that does not 404. Every 405 gets the path's `Allow`
//! (RFC 9110 §15.5.6), whoever answered it but a server elsewhere, which knows its own: routers forget `OPTIONS`, and some `HEAD`.
//!
//! Around `admission` and authentication: a preflight has no credentials, and a look-up in a table needs no permit.
//!
//! Alone, on a foreign axum router:
//!
//! ```
//! use axum::{Router, middleware};
//! use http::Method;
//! use waypost_server_axum::gateway::{options, routes::{Route, RouteTable}};
//!
//! let table: RouteTable = [Route::new("/v1/links", [Method::GET, Method::POST])].into_iter().collect();
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(table, options::answer));
//! ```

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL};
use http::{HeaderValue, Method, StatusCode};
use waypost_core::wire::v1::ErrorCode;

use super::envelope::FromTarget;
use super::routes::RouteTable;
use crate::error::ApiError;

/// Answers `OPTIONS`, and corrects the `Allow` of every 405.
pub async fn answer(State(table): State<RouteTable>, mut request: Request, next: Next) -> Response {
    let route = table.resolve(&mut request);
    if *request.method() == Method::OPTIONS {
        return match route {
            Some(route) => no_content(route.allow().clone()),
            // The server as a whole (RFC 9110 §9.3.7).
            None if request.uri().path() == "*" => {
                no_content(HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
            }
            None => ApiError::of(ErrorCode::NotFound).with_reason("no such route").into_response(),
        };
    }
    let mut response = next.run(request).await;
    let is_own = response.extensions().get::<FromTarget>().is_none();
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && is_own {
        // A path without a route has no methods; an empty `Allow` says so.
        let allow = route.map_or(HeaderValue::from_static(""), |route| route.allow().clone());
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

fn no_content(allow: HeaderValue) -> Response {
    let headers = [(ALLOW, allow), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::NO_CONTENT, headers).into_response()
}
