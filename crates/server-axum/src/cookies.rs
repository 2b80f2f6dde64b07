//! The cookies of a browser that signs in, or has.
//!
//! Both bear the prefix `__Host-` (RFC 6265bis §4.1.3.2): a browser takes them only with `Secure` and `Path=/`, and from
//! this very host, so no neighbour can plant one.

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;

/// Holds the text of a session.
pub(crate) const SESSION: &str = "__Host-waypost-session";
/// Holds an attempt to sign in.
pub(crate) const ATTEMPT: &str = "__Host-waypost-login";

/// The value of a cookie.
///
/// # Errors
/// 400 for one that stands twice: which of them counts would be anybody's guess.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ApiError> {
    let fields = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = fields.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(own, _)| *own == name).map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() {
        let error = ApiError::new(ErrorCode::MalformedRequest, "A cookie stands twice");
        return Err(error.with_detail("header.Cookie", "holds a cookie of this server twice"));
    }
    Ok(first)
}

/// Has the browser keep a cookie for a time. `SameSite=Lax`: it comes along when a link leads here, and with no form and
/// no script of another site.
pub(crate) fn keep(name: &str, value: &str, life: Duration) -> Option<HeaderValue> {
    let text = format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=Lax", life.as_secs());
    HeaderValue::try_from(text).ok()
}

/// Has the browser forget a cookie.
pub(crate) fn forget(name: &str) -> Option<HeaderValue> {
    keep(name, "", Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_once() {
        let mut headers = HeaderMap::new();
        assert_eq!(read(&headers, SESSION).unwrap(), None);
        headers.append(COOKIE, HeaderValue::from_static("a=b; __Host-waypost-session=x=y ; waypost-session=z"));
        assert_eq!(read(&headers, SESSION).unwrap(), Some("x=y"));
        headers.append(COOKIE, HeaderValue::from_static("__Host-waypost-session=w"));
        assert!(read(&headers, SESSION).is_err());
    }
}
