//! Which web pages may call the API from a browser: none, unless the settings name their origins.
//!
//! Origins are compared exactly; there is no `*` and no pattern, and `null` (a file, a sandbox) is never allowed.
//! Credentials mode is not offered: the API's credentials are headers, which a page must set itself.
//! `Vary: Origin` stands on every answer, also on those without CORS headers, or a cache would mix them up.
//!
//! A preflight is an `OPTIONS` with `Origin` and `Access-Control-Request-Method`. What is within answers it with 204
//! and `Allow`, as [`options`](super::options) does, and this layer makes the CORS headers from that `Allow`: one table
//! of methods, told twice.
//!
//! Alone, on a foreign axum router:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::cors::{self, Cors};
//!
//! let cors = Cors::new(["https://app.example"])?;
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(cors, cors::share));
//! # Ok::<(), cors::InvalidOrigin>(())
//! ```

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, ORIGIN, VARY,
};
use http::{HeaderValue, Method, StatusCode, Uri};

/// What a page may read beside the body.
const EXPOSED: &str = "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, RateLimit, RateLimit-Policy, \
     Retry-After, ETag, Link, Location, X-Request-Id, Sunset, Deprecation, WWW-Authenticate, Allow, Idempotent-Replayed";

/// What a page may send beside what every page may.
const ACCEPTED: &str = "Authorization, Content-Type, Accept, Idempotency-Key, If-Match, If-None-Match, \
     Last-Event-ID, X-Request-Id, traceparent, tracestate";

/// The longest that browsers keep a preflight's answer (Firefox: a day; Chrome: two hours).
const LONGEST: Duration = Duration::from_secs(86_400);

/// The text is no origin that can be allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an origin such as https://app.example: scheme and host, a port if it is not the usual one, no path"
)]
pub struct InvalidOrigin(String);

/// The origins that are allowed.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Arc<[HeaderValue]>,
    max_age: Duration,
}

impl Default for Cors {
    /// No origin.
    fn default() -> Self {
        Self { origins: Arc::default(), max_age: Duration::from_secs(600) }
    }
}

impl Cors {
    /// Allows these origins. A preflight's answer is kept for 10 minutes.
    ///
    /// # Errors
    /// [`InvalidOrigin`] names the first text that is none, `*` and `null` among them.
    pub fn new<T: AsRef<str>>(origins: impl IntoIterator<Item = T>) -> Result<Self, InvalidOrigin> {
        let origins: Result<Vec<_>, _> = origins.into_iter().map(|text| origin(text.as_ref())).collect();
        Ok(Self { origins: origins?.into(), ..Self::default() })
    }

    /// Lets browsers keep a preflight's answer for so long, a day at most.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self { max_age: max_age.min(LONGEST), ..self }
    }

    /// Whether the value of a header `Origin` is allowed.
    pub fn allows(&self, origin: &HeaderValue) -> bool {
        self.origins.contains(origin)
    }
}

/// An origin in the one form that browsers send.
fn origin(text: &str) -> Result<HeaderValue, InvalidOrigin> {
    let invalid = || InvalidOrigin(text.to_owned());
    let uri: Uri = text.parse().map_err(|_| invalid())?;
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(invalid());
    };
    let exact = format!("{scheme}://{authority}");
    let usual = if scheme == "https" { ":443" } else { ":80" };
    let plain =
        !authority.as_str().contains('@') && !authority.as_str().ends_with(usual) && !authority.host().is_empty();
    if !plain || exact != text || text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(invalid());
    }
    HeaderValue::from_str(text).map_err(|_| invalid())
}

/// Lets the pages of allowed origins read answers, and answers their preflights.
pub async fn share(State(cors): State<Cors>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).filter(|origin| cors.allows(origin)).cloned();
    let preflight = *request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = next.run(request).await;
    let answered = response.status() == StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if preflight {
        headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Method, Access-Control-Request-Headers"));
    }
    let Some(origin) = origin else {
        return response;
    };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    if preflight
        && answered
        && let Some(allow) = headers.get(ALLOW).cloned()
    {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, allow);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ACCEPTED));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(cors.max_age.as_secs()));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_origins_can_be_allowed() {
        for good in ["https://app.example", "http://localhost:3000", "https://[::1]:8443"] {
            assert!(Cors::new([good]).is_ok(), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "app.example",
            "https://",
            "https://app.example/",
            "https://app.example/x",
            "https://*.example/",
            "HTTPS://app.example",
            "https://App.example",
            "https://app.example:443",
            "https://u@app.example",
            "ftp://app.example",
            "https://app.example?x",
            "http://app.example:80",
        ] {
            assert!(Cors::new([bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_a_suffix_and_null_are_other_origins() {
        let cors = Cors::new(["https://app.example"]).unwrap();
        assert!(cors.allows(&HeaderValue::from_static("https://app.example")));
        for other in ["https://app.example.evil", "https://evil-app.example", "http://app.example", "null", ""] {
            assert!(!cors.allows(&HeaderValue::from_static(other)), "{other}");
        }
    }

    #[test]
    fn the_age_of_a_preflight_is_bounded() {
        assert_eq!(Cors::default().with_max_age(Duration::MAX).max_age, LONGEST);
    }
}
