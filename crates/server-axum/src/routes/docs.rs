//! Documentation that the server carries with it; it needs no network.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use axum::extract::{RawPathParams, State};
use axum::response::{Html, IntoResponse};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use utoipa_swagger_ui::{Config, serve};
use waypost_core::Error;
use waypost_core::wire::v1::{ErrorCode, Retry};

use crate::app::App;
use crate::error::ApiError;
use crate::gateway::security_headers::ScriptedPage;
use crate::reply::Reply;

/// An hour: the documents change with the program only.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The OpenAPI document.
pub(super) async fn openapi(State(app): State<Arc<App>>) -> Reply {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| Bytes::from(crate::openapi(app.site().public_url())));
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json")), (CACHE_CONTROL, KEPT)];
    Ok((headers, document.clone()).into_response())
}

/// The page that shows the document.
pub(super) async fn index() -> Reply {
    asset("index.html")
}

/// A part of that page.
pub(super) async fn part(params: RawPathParams) -> Reply {
    asset(params.iter().find(|(name, _)| *name == "part").map_or("", |(_, value)| value))
}

fn asset(name: &str) -> Reply {
    static CONFIG: OnceLock<Arc<Config<'static>>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| Arc::new(Config::from("/openapi.json")));
    let missing = || ApiError::from(Error::not_found("page"));
    let file = serve(name, config.clone()).map_err(|_| missing())?.ok_or_else(missing)?;
    let kind = HeaderValue::try_from(file.content_type).map_err(Error::internal)?;
    let mut bytes = file.bytes.into_owned();
    if name == "index.html" {
        // The page names its parts relative to itself, and stands at `/docs`, without a slash.
        bytes = String::from_utf8_lossy(&bytes).replacen("<head>", "<head><base href=\"/docs/\">", 1).into_bytes();
    }
    let mut response = ([(CONTENT_TYPE, kind), (CACHE_CONTROL, KEPT)], bytes).into_response();
    if name == "index.html" {
        response.extensions_mut().insert(ScriptedPage);
    }
    Ok(response)
}

/// Every error code there is.
pub(super) async fn errors() -> Reply {
    let mut list = String::from("<ul>");
    for code in ErrorCode::ALL {
        let _ = write!(list, "<li>{} <a href=\"/docs/errors/{code}\">{code}</a></li>", code.status());
    }
    list.push_str("</ul>");
    Ok(page("Error codes", &list))
}

/// What one error code means, and what to do about it.
pub(super) async fn error(params: RawPathParams) -> Reply {
    let name = params.iter().find(|(name, _)| *name == "code").map_or("", |(_, value)| value);
    let code = ErrorCode::parse(name).ok_or_else(|| ApiError::from(Error::not_found("error code")))?;
    let retry = match code.retry() {
        Retry::Never => "The same request would fail again.",
        Retry::Safe => "The same request may be sent again: a read at once, a write under its idempotency key.",
        Retry::AfterWait => "The same request may be sent again after the time that Retry-After gives.",
    };
    let body = format!(
        "<p>Status {}</p><h2>What it means</h2><p>{}</p><h2>What to do</h2><p>{}</p><h2>Retry</h2><p>{retry}</p>\
         <p><a href=\"/docs/errors\">All error codes</a></p>",
        code.status(),
        code.meaning(),
        code.cure(),
    );
    Ok(page(code.as_str(), &body))
}

/// A page of text of ours; nothing in it comes from outside.
fn page(title: &str, body: &str) -> axum::response::Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} – Waypost</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}}</style>\
         <h1>{title}</h1>{body}</html>"
    );
    ([(CACHE_CONTROL, KEPT)], Html(html)).into_response()
}
