//! How large a request's head may be, and which methods no route has.
//!
//! [`HeadLimits::check`] is plain and cheap, for paths that do not run through layers; [`check`] is the layer. hyper has
//! limits of its own, above these, and answers those heads itself with an empty body (see [`serve`](crate::serve)).
//!
//! Alone, on a foreign axum router:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::head_limits::{self, HeadLimits};
//!
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(HeadLimits::default(), head_limits::check));
//! ```

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, Uri};
use waypost_core::wire::v1::ErrorCode;

use crate::error::{ApiError, ApiResult};

/// The limits (§12).
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Bytes of the URI.
    pub uri: usize,
    /// Header fields, repeated ones counted each time.
    pub fields: usize,
    /// Bytes of all header fields: names, values, and four for the colon, the space and the line's end.
    pub bytes: usize,
}

impl Default for HeadLimits {
    /// What common proxies take too, so that a request which passes here passes everywhere.
    fn default() -> Self {
        Self { uri: 8 * 1024, fields: 100, bytes: 32 * 1024 }
    }
}

impl HeadLimits {
    /// Checks a head.
    ///
    /// # Errors
    /// `METHOD_NOT_ALLOWED` for `TRACE`, which would show a caller's credentials to scripts, and for `CONNECT`: this is
    /// no tunnel. `URI_TOO_LONG`, `HEADERS_TOO_LARGE`.
    pub fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> ApiResult<()> {
        if *method == Method::TRACE || *method == Method::CONNECT {
            return Err(ApiError::of(ErrorCode::MethodNotAllowed).with_reason("a method that no route has"));
        }
        if uri_length(uri) > self.uri {
            return Err(ApiError::of(ErrorCode::UriTooLong).with_reason("a URI that is too long"));
        }
        if headers.len() > self.fields {
            return Err(ApiError::of(ErrorCode::HeadersTooLarge).with_reason("too many header fields"));
        }
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if bytes > self.bytes {
            return Err(ApiError::of(ErrorCode::HeadersTooLarge).with_reason("header fields that are too long"));
        }
        Ok(())
    }
}

fn uri_length(uri: &Uri) -> usize {
    let scheme = uri.scheme_str().map_or(0, |scheme| scheme.len() + "://".len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    let path = uri.path_and_query().map_or(0, |path| path.as_str().len());
    scheme + authority + path
}

/// Refuses a head beyond the limits.
pub async fn check(State(limits): State<HeadLimits>, request: Request, next: Next) -> Response {
    match limits.check(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn status(method: Method, uri: &str, headers: &HeaderMap) -> u16 {
        let checked = HeadLimits::default().check(&method, &uri.parse().unwrap(), headers);
        checked.map_or_else(|error| error.status().as_u16(), |()| 200)
    }

    fn fields(count: usize, value: usize) -> HeaderMap {
        let value = HeaderValue::from_str(&"v".repeat(value)).unwrap();
        let name = HeaderName::from_static("a");
        (0..count).map(|_| (name.clone(), value.clone())).collect()
    }

    #[test]
    fn each_limit_holds_to_the_byte() {
        let path = |length: usize| format!("/{}", "a".repeat(length - 1));
        let none = HeaderMap::new();
        assert_eq!(status(Method::GET, &path(8_192), &none), 200);
        assert_eq!(status(Method::GET, &path(8_193), &none), 414);
        assert_eq!(status(Method::GET, &format!("http://h{}", path(8_184)), &none), 200);
        assert_eq!(status(Method::GET, &format!("http://h{}", path(8_185)), &none), 414);
        assert_eq!(status(Method::GET, "/", &fields(100, 1)), 200);
        assert_eq!(status(Method::GET, "/", &fields(101, 1)), 431);
        assert_eq!(status(Method::GET, "/", &fields(1, 32 * 1_024 - 5)), 200);
        assert_eq!(status(Method::GET, "/", &fields(1, 32 * 1_024 - 4)), 431);
    }

    #[test]
    fn trace_and_connect_are_refused() {
        assert_eq!(status(Method::TRACE, "/", &HeaderMap::new()), 405);
        assert_eq!(status(Method::CONNECT, "/", &HeaderMap::new()), 405);
    }
}
