//! What is promised of every answer, whatever was asked (contract §3, §6, §7; RFC 9110).

use http::{HeaderValue, Method};
use serde_json::Value;
use waypost_core::links::RESERVED;
use waypost_core::wire::v1::ErrorCode;

use super::{Document, PUBLIC_URL, Reply};

const RATE: [&str; 5] =
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "ratelimit-policy"];

/// Fails the test that got an answer which breaks a promise.
pub(crate) fn hold(reply: &Reply, accept: Option<&HeaderValue>) {
    let broken = broken(reply, accept);
    assert!(broken.is_empty(), "{broken:?}\nin the answer to {} {}\n{}", reply.method, reply.path, reply.show());
}

/// Every promise that the answer breaks.
fn broken(reply: &Reply, accept: Option<&HeaderValue>) -> Vec<String> {
    let mut broken = Vec::new();
    let mut demand = |holds: bool, says: &str| {
        if !holds {
            broken.push(says.to_owned());
        }
    };
    let id = reply.header("x-request-id");
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    demand((1..=128).contains(&id.len()) && id.bytes().all(letter), "X-Request-Id on every response");
    demand(reply.header("x-content-type-options") == "nosniff", "nosniff on every response");

    demand(reply.has("strict-transport-security"), "transport security, since the public address is https");
    let is_redirect = matches!(reply.status, 300..=399) && reply.status != 304;
    let policy = reply.header("content-security-policy");
    let is_closed = policy.starts_with("default-src 'none'") && policy.ends_with("frame-ancestors 'none'");
    demand(is_redirect || is_closed, "a policy that lets in nothing but what is named, and stands in no frame");
    // The page with a form keeps its address among the own pages: without it the form would come with `Origin: null`.
    let keeps = if reply.path == "/oauth/authorize" && reply.status == 200 { "same-origin" } else { "no-referrer" };
    demand(is_redirect || reply.header("referrer-policy") == keeps, "addresses are not passed on");
    demand(is_redirect || reply.header("x-frame-options") == "DENY", "no frame, for old browsers too");
    let by_link = is_redirect && is_slug(&reply.path);
    demand(by_link != reply.has("cross-origin-resource-policy"), "no other site embeds it, but by redirect of a link");

    let is_slug = is_slug(&reply.path);
    let rated = RATE.iter().filter(|name| reply.has(name)).count();
    let expected = if is_slug && reply.status != 429 { rated == 0 || !is_follow(reply) } else { rated == RATE.len() };
    demand(expected, "rate headers on every answer of the API, and of slugs on 429 alone");

    let explicit = matches!(reply.status, 301..=303 | 307 | 308 | 404 | 405 | 410);
    demand(!explicit || reply.has("cache-control"), "what caches may keep by default says its Cache-Control");
    let bodiless = reply.method == Method::HEAD || matches!(reply.status, 204 | 304);
    demand(!bodiless || reply.body.is_empty(), "no body on HEAD, 204 and 304");
    demand(!matches!(reply.status, 204 | 304) || !reply.has("content-length"), "no Content-Length on 204 and 304");
    demand(reply.status != 401 || reply.has("www-authenticate"), "401 with WWW-Authenticate");
    demand(reply.status != 405 || reply.has("allow"), "405 with Allow");
    let wait = reply.header("retry-after").parse::<u64>().unwrap_or(0);
    demand(!matches!(reply.status, 429 | 503) || wait >= 1, "429 and 503 with Retry-After of a second or more");
    demand(reply.code() != "IDEMPOTENCY_IN_FLIGHT" || wait >= 1, "IDEMPOTENCY_IN_FLIGHT with Retry-After");

    let is_page = reply.header("content-type").starts_with("text/html");
    let wants_page = accept.is_some_and(|accept| accept.as_bytes().windows(4).any(|part| part == b"html"));
    if reply.status >= 400 {
        // Signing in is for people, whatever their browser says.
        let for_people =
            (is_slug && wants_page) || ["/auth/", "/oauth/authorize"].iter().any(|own| reply.path.starts_with(own));
        demand(!is_page || for_people, "errors are JSON, but for browsers that follow a link");
        demand(is_page || reply.header("content-type") == "application/json", "errors are application/json");
        demand(reply.header("cache-control") == "no-store", "errors are not kept by caches");
        // Balancers read which dependency is away.
        if !bodiless && !is_page && reply.path != "/readyz" {
            // Where there is no such route, there is no protocol either.
            // What people are asked is no endpoint of the protocol's programs.
            let is_oauth = reply.path.starts_with("/oauth/") && reply.path != "/oauth/authorize" && reply.status != 404;
            demand(if is_oauth { is_oauth_error(reply) } else { is_error(reply) }, "errors have the one shape");
        }
    } else if !bodiless && reply.header("content-type") == "application/json" {
        demand(reply.code().is_empty(), "never a 2xx with an error");
    }
    // A stream is kept nowhere at all (§10).
    let is_stream = reply.headers.get("content-type").is_some_and(|media| media == "text/event-stream");
    let private = reply.path.starts_with("/v1/") && reply.status < 300 && reply.method == Method::GET && !is_stream;
    demand(!private || reply.header("cache-control").contains("private"), "private data are private to caches");
    let vary =
        reply.headers.get_all("vary").iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
    demand(!private || (vary.contains("Authorization") && vary.contains("Accept")), "Vary on private data");
    demand(is_slug || vary.contains("Origin"), "Vary: Origin on every answer of the API");
    if let Some(undocumented) = undocumented(reply) {
        demand(false, &undocumented);
    }
    broken
}

/// Whether the path is a slug's.
fn is_slug(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    !first.is_empty() && !RESERVED.iter().any(|own| own.eq_ignore_ascii_case(first))
}

fn is_follow(reply: &Reply) -> bool {
    matches!(reply.method, Method::GET | Method::HEAD)
}

/// Whether the body is the one shape of errors: nothing missing, nothing more, and in agreement with the head.
fn is_error(reply: &Reply) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(&reply.body) else {
        return false;
    };
    let Some(error) = body.get("error").and_then(Value::as_object) else {
        return false;
    };
    let keys: Vec<_> = error.keys().map(String::as_str).collect();
    let mut expected = ["code", "message", "details", "request_id", "documentation_url"];
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    expected.sort_unstable();
    let code = error["code"].as_str().unwrap_or_default();
    let known = ErrorCode::parse(code).is_some_and(|known| known.status() == reply.status);
    let replayed = reply.has("idempotent-replayed");
    body.as_object().is_some_and(|body| body.len() == 1)
        && sorted == expected
        && known
        && error["message"].as_str().is_some_and(|message| !message.is_empty())
        && error["details"].as_array().is_some_and(|details| details.iter().all(is_detail))
        && (replayed || error["request_id"] == reply.header("x-request-id"))
        && error["documentation_url"] == format!("{PUBLIC_URL}/docs/errors/{code}")
}

/// Whether the body is the shape of RFC 6749 §5.2, in the characters that it allows.
fn is_oauth_error(reply: &Reply) -> bool {
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(&reply.body) else {
        return false;
    };
    let plain = |text: &str| text.chars().all(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'));
    let told = |name| body.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty() && plain(text));
    body.len() == 2 && told("error") && told("error_description")
}

fn is_detail(detail: &Value) -> bool {
    detail.as_object().is_some_and(|detail| detail.len() == 2)
        && detail["field"].as_str().is_some_and(|field| !field.is_empty())
        && detail["issue"].as_str().is_some_and(|issue| !issue.is_empty())
}

/// What the OpenAPI document does not know of the answer. Faults of the whole server (no such route, wrong method) are
/// no answers of an operation.
fn undocumented(reply: &Reply) -> Option<String> {
    let operation = Document::get().operation(&reply.method, &reply.path)?;
    // An operator's farewell is no part of the program's document.
    if reply.status == 410 && reply.has("sunset") {
        return None;
    }
    let Some(response) = operation["responses"].get(reply.status.to_string()) else {
        return Some(format!("every status is documented, but {} is not", reply.status));
    };
    let code = reply.code();
    if code.is_empty() || reply.status < 400 {
        return None;
    }
    let codes = response.pointer("/content/application~1json/schema/allOf/1/properties/error/properties/code/enum");
    let known = codes.and_then(Value::as_array).is_some_and(|codes| codes.iter().any(|known| *known == *code));
    (!known).then(|| format!("every code is documented, but {code} is not"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Reply {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
        Reply {
            method: Method::GET,
            path: "/v1/links".into(),
            status,
            headers,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn a_bare_answer_breaks_many_promises() {
        let broken = broken(&reply(401, &[("content-type", "text/plain")], "nope"), None);
        for says in ["X-Request-Id", "rate headers", "WWW-Authenticate", "application/json", "shape", "Vary: Origin"] {
            assert!(broken.iter().any(|promise| promise.contains(says)), "{says}: {broken:?}");
        }
    }

    #[test]
    fn an_undocumented_status_and_code_are_seen() {
        let teapot = broken(&reply(418, &[], ""), None);
        assert!(teapot.iter().any(|promise| promise.contains("418 is not")), "{teapot:?}");
        let gone = undocumented(&reply(404, &[], r#"{"error": {"code": "NOT_FOUND"}}"#));
        assert!(gone.is_some(), "a listing is always there");
    }
}
