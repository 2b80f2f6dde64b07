//! The live page: links, and their clicks as they come.
//!
//! It is served as it was written, by no build step, and asks nobody but this server. Its parts lie below `/assets`, which
//! is no slug's. Its policy is narrower than that of other pages with scripts: no style and no script stands in the page
//! itself, nothing is evaluated, no form leaves it, and no text becomes markup (`require-trusted-types-for`).

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, Request, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use waypost_core::Error;
use waypost_core::idempotency::Fingerprint;
use waypost_core::links::Domain;
use waypost_core::wire::v1::ErrorCode;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::lists_tag;
use crate::gateway::host;
use crate::reply::Reply;

const PAGE: &str = include_str!("index.html");
/// What the page is made of beside itself.
const PARTS: [(&str, &str, &str); 6] = [
    ("api.js", "text/javascript; charset=utf-8", include_str!("api.js")),
    ("chart.js", "text/javascript; charset=utf-8", include_str!("chart.js")),
    ("icon.svg", "image/svg+xml", include_str!("icon.svg")),
    ("live.js", "text/javascript; charset=utf-8", include_str!("live.js")),
    ("page.css", "text/css; charset=utf-8", include_str!("page.css")),
    ("page.js", "text/javascript; charset=utf-8", include_str!("page.js")),
];

/// Where the page names the provider that people sign in at, if there is one.
const PROVIDER: &str = "{{provider}}";
const SIGN_IN: &str = r#"<a class="button" href="/auth/login?return_to=%2F">Sign in at the provider</a>"#;

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; require-trusted-types-for 'script'; frame-ancestors 'none'",
);
/// To be asked for anew each time, which costs a 304: page and parts change together, with the program.
const ASKED: HeaderValue = HeaderValue::from_static("no-cache");

/// The page. On a domain that is there for short links alone there is none.
pub(super) async fn index(State(app): State<Arc<App>>, request: Request) -> Reply {
    demand_main(&app, &request)?;
    let provider = if app.platform.login.is_some() { SIGN_IN } else { "" };
    let page = PAGE.replacen(PROVIDER, provider, 1);
    let mut response = file(request.headers(), "text/html; charset=utf-8", page.into())?;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}

/// A part of the page, where the page is.
pub(super) async fn part(State(app): State<Arc<App>>, params: RawPathParams, request: Request) -> Reply {
    demand_main(&app, &request)?;
    let wanted = params.iter().find(|(name, _)| *name == "part").map_or("", |(_, value)| value);
    let found = PARTS.iter().find(|(name, ..)| *name == wanted);
    let (_, media, text) = found.ok_or_else(|| ApiError::from(Error::not_found("part")))?;
    file(request.headers(), media, Cow::Borrowed(*text))
}

/// Lets pass what is asked of the main domain; on another there is neither page nor part.
fn demand_main(app: &App, request: &Request) -> Result<(), ApiError> {
    let host = host::of(request.version(), request.uri(), request.headers())?;
    if app.site().domain_of_host(host) == Domain::main() {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::NotFound, "There is no such route"))
}

fn file(headers: &HeaderMap, media: &'static str, text: Cow<'static, str>) -> Reply {
    let [a, b, c, d, e, f, g, h, ..] = Fingerprint::of(media, "", "", text.as_bytes()).to_bytes();
    let tag = format!("\"{:016x}\"", u64::from_be_bytes([a, b, c, d, e, f, g, h]));
    let mut response = Response::default();
    if lists_tag(headers, IF_NONE_MATCH, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(text.into_owned());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }
    let headers = response.headers_mut();
    headers.insert(ETAG, HeaderValue::try_from(tag).map_err(Error::internal)?);
    headers.insert(CACHE_CONTROL, ASKED);
    Ok(response)
}
