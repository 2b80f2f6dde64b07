//! Pages for people whose sign-in did not end in a session.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE};
use http::{HeaderName, HeaderValue};
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;
use crate::gateway::envelope::Rendered;
use crate::reply::Reply;

const HEADERS: [(HeaderName, &str); 4] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (CACHE_CONTROL, "no-store"),
    // Text and the style below, and nothing that could run or be framed.
    (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
];

/// The answer, or the page of the error.
pub(in crate::routes) fn or_response(reply: Reply) -> Response {
    reply.unwrap_or_else(|fault| error(&fault))
}

/// The page of an error.
pub(super) fn error(error: &ApiError) -> Response {
    page(error, &format!("<p>{}.</p>", escape(error.message())))
}

/// The page for somebody whom the provider knows, and nobody here does.
pub(super) fn stranger(issuer: &str, subject: &str) -> Response {
    let error = ApiError::new(ErrorCode::Forbidden, "You are signed in, and no member of a workspace here")
        .with_reason("the user is no member of any workspace");
    let body = format!(
        "<p>{}. Ask somebody who is to add you, as</p><dl><dt>issuer</dt><dd><code>{}</code></dd><dt>subject</dt>\
         <dd><code>{}</code></dd></dl>",
        escape(error.message()),
        escape(issuer),
        escape(subject)
    );
    page(&error, &body)
}

/// Adds a cookie to a page.
pub(super) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    response
}

fn page(error: &ApiError, body: &str) -> Response {
    fault(error, "Not signed in", &format!("{body}<p><a href=\"/auth/login\">Sign in</a></p>"))
}

/// The page of an error under a title of its own.
pub(in crate::routes) fn fault(error: &ApiError, title: &str, body: &str) -> Response {
    let mut response = error.clone().into_response();
    let (head, body) = html(title, body).into_parts();
    response.headers_mut().extend(head.headers);
    response.extensions_mut().insert(Rendered);
    *response.body_mut() = body;
    response
}

/// A page of this title. The body is HTML: what others say stands in it as [`escape`] gives it.
pub(in crate::routes) fn html(title: &str, body: &str) -> Response {
    let mut response = Response::new(Body::from(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} – Waypost</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;\
         padding:0 1rem}}</style><h1>{title}</h1>{body}</html>"
    )));
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Text as HTML shows it: what a provider says of itself may hold anything.
pub(in crate::routes) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_page_shows_what_others_say_as_text() {
        let response = stranger("https://id.example/?a&b", "<script>alert('x')</script>");
        assert_eq!(response.status(), 403);
        assert!(response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = std::str::from_utf8(&body).unwrap();
        assert!(body.contains("https://id.example/?a&amp;b") && !body.contains("<script"), "{body}");
    }
}
