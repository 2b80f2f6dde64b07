//! Signing in by a browser, and the sessions that come of it.
//!
//! These routes are for people: what goes wrong in signing in is told on a page. What a session may do at the API is told
//! by its cookie, which the guard reads; here is what is about sessions themselves.

mod callback;
mod leave;
pub(super) mod page;
mod sessions;

pub(super) use callback::{begin, finish};
pub(super) use leave::{logout, logout_all};
pub(super) use sessions::{current, end, list, switch};

use axum::response::Response;
use http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY, SET_COOKIE};
use http::{HeaderValue, StatusCode};

use crate::reply::Reply;

/// An answer without a body that no cache keeps, with these cookies.
fn bare(status: StatusCode, cookies: impl IntoIterator<Item = Option<HeaderValue>>) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies.into_iter().flatten() {
        headers.append(SET_COOKIE, cookie);
    }
    response
}

/// Sends a browser on, with these cookies. By 303, since nothing that was sent here is meant for there; and without a
/// `Referer`, since the address here may hold a code.
pub(super) fn onward(location: &str, cookies: impl IntoIterator<Item = Option<HeaderValue>>) -> Reply {
    let mut response = bare(StatusCode::SEE_OTHER, cookies);
    let location = HeaderValue::try_from(location).map_err(waypost_core::Error::internal)?;
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}
