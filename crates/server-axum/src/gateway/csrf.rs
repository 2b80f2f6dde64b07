//! Requests that another site had the browser make (cross-site request forgery).
//!
//! A cookie comes along with whatever a browser asks of us, whoever made it ask. So a request that changes something and
//! is believed for its cookie must show that a page of ours made it:
//!
//! 1. `GET`, `HEAD` and `OPTIONS` change nothing, and pass.
//! 2. Where there is `Sec-Fetch-Site`, it must be `same-origin`, or `none`: the user's own doing.
//! 3. Else `Origin` must be ours, byte for byte. The word `null` is nobody's.
//! 4. Where neither is there, nothing shows it, and the request is refused.
//!
//! Browsers set both fields and let no page write them. Requests that show a key or a token need none of this: no browser
//! adds these by itself. Differs from `CsrfLayer` of tower-http in rule 4, which that layer lets pass, and in rule 3, where
//! it believes the field `Host`.
//!
//! Caveat: a proxy in front must pass `Sec-Fetch-Site` and `Origin` on unchanged.
//!
//! Alone, on a foreign axum router whose every route is believed for a cookie:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::csrf::{self, SameOrigin};
//!
//! let ours = SameOrigin::new("https://links.example");
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(ours, csrf::protect));
//! ```

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::ORIGIN;
use http::{HeaderMap, HeaderName, Method};
use url::Url;
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Our own origin, as browsers write it.
#[derive(Clone, Debug)]
pub struct SameOrigin(Arc<str>);

impl SameOrigin {
    /// The origin of this address. Of a text that is no address, nothing is the same.
    pub fn new(public_url: &str) -> Self {
        let origin = Url::parse(public_url).map(|url| url.origin());
        let origin = origin.ok().filter(url::Origin::is_tuple).map(|origin| origin.ascii_serialization());
        Self(origin.unwrap_or_default().into())
    }

    /// Lets a request pass that a page of ours made, or the user.
    ///
    /// # Errors
    /// 403 `FORBIDDEN`, whose reason says which rule was broken.
    pub fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        self.demand(headers)
    }

    /// Lets only those pass that a page of ours made, or the user, whatever the method.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn demand(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let message = "A change under a cookie must come from a page of this server; show a key or a token instead";
        self.shown(headers).map_err(|reason| ApiError::new(ErrorCode::Forbidden, message).with_reason(reason))
    }

    /// The same for the handshake of a WebSocket: a `GET` that changes nothing, behind which no rule of browsers holds
    /// (RFC 6455 §10.2).
    ///
    /// # Errors
    /// As [`check`](Self::check), in words about sockets.
    pub fn demand_for_socket(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let message = "Pages of this origin may not open a socket here under a cookie; a ticket opens one where the \
                       operator allows the origin by `cors_origins`";
        self.shown(headers).map_err(|reason| {
            let error = ApiError::new(ErrorCode::Forbidden, message).with_reason(reason);
            error.with_detail("header.Origin", "is not allowed")
        })
    }

    /// Whether a page of ours asks, or the user; or what speaks against it.
    fn shown(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        let one = |name| {
            let mut values = headers.get_all(name).iter();
            let first = values.next();
            // A field that stands twice says nothing.
            first.map(|value| if values.next().is_some() { "" } else { value.to_str().unwrap_or_default() })
        };
        match (one(SEC_FETCH_SITE), one(ORIGIN)) {
            (Some("same-origin" | "none"), _) => Ok(()),
            (Some(_), _) => Err("another site made the browser ask (Sec-Fetch-Site)"),
            (None, Some(origin)) if !origin.is_empty() && *origin == *self.0 => Ok(()),
            (None, Some(_)) => Err("another site made the browser ask (Origin)"),
            (None, None) => Err("nothing shows which site made the browser ask (no Sec-Fetch-Site, no Origin)"),
        }
    }
}

/// Refuses what other sites made a browser ask.
pub async fn protect(State(ours): State<SameOrigin>, request: Request, next: Next) -> Response {
    match ours.check(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn passes(method: &Method, fields: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        SameOrigin::new("https://go.example/").check(method, &headers).is_ok()
    }

    #[test]
    fn a_change_must_show_that_it_is_ours() {
        let (site, origin) = ("sec-fetch-site", "origin");
        let good: [&[(&str, &str)]; 5] = [
            &[(site, "same-origin")],
            &[(site, "none")],
            &[(origin, "https://go.example")],
            &[(site, "same-origin"), (origin, "https://go.example")],
            // A browser tells the site itself, whatever name the page has behind a proxy.
            &[(site, "same-origin"), (origin, "http://10.0.0.1")],
        ];
        let bad: [&[(&str, &str)]; 12] = [
            &[],
            &[(site, "cross-site")],
            &[(site, "same-site")],
            &[(site, "")],
            &[(site, "Same-Origin ")],
            &[(site, "cross-site"), (origin, "https://go.example")],
            &[(site, "same-origin"), (site, "same-origin")],
            &[(origin, "null")],
            &[(origin, "https://evil.example")],
            &[(origin, "http://go.example")],
            &[(origin, "https://go.example:8443")],
            &[(origin, "https://go.example.evil.example")],
        ];
        for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
            assert!(good.iter().all(|fields| passes(&method, fields)), "{method}");
            for fields in bad {
                assert!(!passes(&method, fields), "{method} {fields:?}");
            }
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert!(passes(&method, &[(site, "cross-site")]), "{method}");
        }
    }

    #[test]
    fn where_we_have_no_origin_nothing_is_ours() {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(""));
        assert!(SameOrigin::new("nowhere").check(&Method::POST, &headers).is_err());
    }
}
