//! What browsers are told about answers: that they are what they say, where they may stand, and what they may load.
//!
//! | header | on | says |
//! |---|---|---|
//! | `X-Content-Type-Options: nosniff` | all | the type is the one that is named |
//! | `Strict-Transport-Security` | all, if the public address is `https` | come back over TLS alone (RFC 6797) |
//! | `Referrer-Policy: no-referrer` | all but redirects of links | the page's address, and what stands in it, stays here |
//! | `Content-Security-Policy` | all but redirects of links | data load nothing and stand in no frame; pages load what is theirs |
//! | `X-Frame-Options: DENY` | all but redirects of links | the same, for browsers that know no `frame-ancestors` |
//! | `Cross-Origin-Resource-Policy: same-origin` | all but redirects of links | no other site embeds it |
//!
//! Redirects have the link's own `Referrer-Policy` or none, and may be followed from anywhere: a policy of ours would
//! break pictures and frames that are embedded by their short link. What a handler has set itself stays. On answers of
//! servers elsewhere only the first two are added, where they are missing: what their pages may load, they know.
//!
//! Around [`envelope`](super::envelope), so that errors have them, and the content type is the final one.
//!
//! Alone, on a foreign axum router:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::security_headers::{self, SecurityHeaders};
//!
//! let headers = SecurityHeaders::new("https://links.example");
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(headers, security_headers::stamp));
//! ```

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

use super::envelope::FromTarget;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const DENY: HeaderValue = HeaderValue::from_static("DENY");
/// A year, as RFC 6797 recommends at least. Not for subdomains, which need not be ours.
const YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");
/// What is data for programs: nothing loads, and nobody frames it.
const DATA: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// What is a page of text: its own style stands in it, and nothing in it comes from outside.
const TEXT: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// On a response: a page with scripts, styles and pictures of this server, which calls the API.
#[derive(Clone, Copy, Debug)]
pub struct ScriptedPage;

/// The headers of one server.
#[derive(Clone, Debug)]
pub struct SecurityHeaders {
    transport: Option<HeaderValue>,
    scripted: HeaderValue,
}

impl SecurityHeaders {
    /// For a server that visitors see under `public_url`.
    pub fn new(public_url: &str) -> Self {
        let origin = public_url.trim_end_matches('/');
        let is_encrypted = origin.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        // The page writes styles as it runs, and asks the API at the address that the document names.
        let scripted = format!(
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
             font-src 'self' data:; connect-src 'self' {origin}; base-uri 'self'; form-action 'self'; \
             frame-ancestors 'none'"
        );
        let scripted = HeaderValue::try_from(scripted).unwrap_or(DATA);
        Self { transport: is_encrypted.then_some(YEAR), scripted }
    }

    /// Puts onto an answer what it lacks.
    pub fn apply(&self, response: &mut Response) {
        if response.extensions().get::<FromTarget>().is_some() {
            let headers = response.headers_mut();
            headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(NOSNIFF);
            if let Some(transport) = &self.transport {
                headers.entry(STRICT_TRANSPORT_SECURITY).or_insert_with(|| transport.clone());
            }
            return;
        }
        let policy = if response.extensions().get::<ScriptedPage>().is_some() {
            self.scripted.clone()
        } else if is_page(response.headers()) {
            TEXT
        } else {
            DATA
        };
        let headers = response.headers_mut();
        self.apply_to_redirect(headers);
        headers.entry(REFERRER_POLICY).or_insert(NO_REFERRER);
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
        headers.entry(X_FRAME_OPTIONS).or_insert(DENY);
        headers.entry(CROSS_ORIGIN_RESOURCE_POLICY).or_insert(SAME_ORIGIN);
    }

    /// Puts onto the redirect of a link what holds for it too. One or two headers: this is the hot path.
    pub fn apply_to_redirect(&self, headers: &mut HeaderMap) {
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        if let Some(transport) = &self.transport {
            headers.insert(STRICT_TRANSPORT_SECURITY, transport.clone());
        }
    }
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// Puts the headers onto every answer.
pub async fn stamp(State(state): State<SecurityHeaders>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    state.apply(&mut response);
    response
}

#[cfg(test)]
mod tests {
    use axum::response::{Html, IntoResponse};

    use super::*;

    fn stamped(public_url: &str, response: impl IntoResponse) -> HeaderMap {
        let mut response = response.into_response();
        SecurityHeaders::new(public_url).apply(&mut response);
        response.headers().clone()
    }

    #[test]
    fn transport_security_is_for_https_alone() {
        for (url, has) in [("https://a.example/", true), ("HTTPS://a.example", true), ("http://a.example", false)] {
            assert_eq!(stamped(url, "x").contains_key(STRICT_TRANSPORT_SECURITY), has, "{url}");
        }
    }

    #[test]
    fn a_policy_fits_what_it_stands_on_and_no_page_runs_foreign_scripts() {
        let policy = |headers: &HeaderMap| headers[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        let url = "https://a.example/";
        let (data, text) = (stamped(url, "x"), stamped(url, Html("x")));
        let scripted = stamped(url, (axum::Extension(ScriptedPage), Html("x")));
        assert_eq!(policy(&data), "default-src 'none'; frame-ancestors 'none'");
        assert!(!policy(&text).contains("script-src") && policy(&text).contains("style-src 'unsafe-inline'"));
        assert!(policy(&scripted).contains("script-src 'self';"), "{}", policy(&scripted));
        assert!(policy(&scripted).contains("connect-src 'self' https://a.example;"), "{}", policy(&scripted));
        for headers in [&data, &text, &scripted] {
            assert!(policy(headers).starts_with("default-src 'none'") && policy(headers).contains("frame-ancestors"));
            assert_eq!((&headers[X_FRAME_OPTIONS], &headers[REFERRER_POLICY]), (&DENY, &NO_REFERRER));
        }
    }

    #[test]
    fn a_target_says_itself_what_its_pages_may() {
        let bare = stamped("https://a.example", (axum::Extension(FromTarget), Html("x")));
        let mut names: Vec<&str> = bare.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "strict-transport-security", "x-content-type-options"]);
        let own = [(STRICT_TRANSPORT_SECURITY, "max-age=5"), (X_FRAME_OPTIONS, "SAMEORIGIN")];
        let own = stamped("https://a.example", (axum::Extension(FromTarget), own, "x"));
        assert_eq!(
            (&own[STRICT_TRANSPORT_SECURITY], &own[X_FRAME_OPTIONS]),
            (&HeaderValue::from_static("max-age=5"), &HeaderValue::from_static("SAMEORIGIN"))
        );
    }

    #[test]
    fn what_a_handler_chose_stays() {
        let own = [(REFERRER_POLICY, "origin"), (CONTENT_SECURITY_POLICY, "default-src https:")];
        let headers = stamped("http://a.example", (own, "x"));
        assert_eq!(
            (&headers[REFERRER_POLICY], &headers[CONTENT_SECURITY_POLICY]),
            (&HeaderValue::from_static("origin"), &HeaderValue::from_static("default-src https:"))
        );
    }
}
