//! Whatever the parsers are fed, they do not panic; what they accept obeys its rules, and reads the same once more.

use axum::body::Body;
use http::{HeaderValue, Method, Request};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tower::ServiceExt;
use url::Url;
use waypost_core::fields::{self, DEEPEST};
use waypost_core::idempotency::IdempotencyKey;
use waypost_core::links::{Destination, DestinationRules, Domain, Metadata, RESERVED, Site, Slug};
use waypost_core::page::Cursors;

use crate::harness::{PUBLIC_URL, Server};

fn site() -> Site {
    Site::new(PUBLIC_URL, &["brand.example".to_owned()], DestinationRules::default()).unwrap()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases, ..ProptestConfig::default() }
}

/// Texts that look like URLs, and what people try to smuggle in between.
fn destinations() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("https://".to_owned()),
        Just("http:".to_owned()),
        Just("//".to_owned()),
        Just("javascript:".to_owned()),
        Just("go.example".to_owned()),
        Just("example.com".to_owned()),
        Just("@".to_owned()),
        Just("\\".to_owned()),
        Just("%0d%0a".to_owned()),
        Just("\r\n".to_owned()),
        Just("[::1]".to_owned()),
        Just(":443".to_owned()),
        Just("ｇｏ".to_owned()),
        Just("。".to_owned()),
        Just("/?#".to_owned()),
        "\\PC{0,4}",
        "[ -~]{0,6}",
    ];
    let pieces = prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat());
    prop_oneof![
        pieces.clone(),
        pieces.prop_map(|rest| format!("https://{rest}")),
        "https?://[a-z.]{1,9}(:[0-9]{1,6})?(/[!-~äß日 ]{0,12}){0,3}",
        any::<String>()
    ]
}

fn slugs() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9._~+/-]{1,20}",
        "[\\p{L}\\p{M}\\p{N}/.+~-]{1,12}",
        "[^/]{0,5}(/[^/]{0,5}){0,3}",
        any::<String>()
    ]
}

/// JSON values with the shapes that merge patches are made of.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9f64).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let object = prop::collection::btree_map("[a-d]{1,2}", inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn objects() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-d]{1,2}", values(), 0..5).prop_map(|entries| entries.into_iter().collect())
}

/// Merge patch as RFC 7396 §2 writes it, once more and in other words.
fn merged(target: Option<&Value>, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut out = target.and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, value) in patch {
        let old = out.remove(name);
        if !value.is_null() {
            out.insert(name.clone(), merged(old.as_ref(), value));
        }
    }
    Value::Object(out)
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(object) => object.values().any(has_null),
        _ => false,
    }
}

/// How deep a value is nested, the value itself included.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn an_accepted_destination_can_be_sent_and_leads_elsewhere(text in destinations()) {
        let site = site();
        let Ok(destination) = Destination::parse(&text, site.destination_rules()) else { return Ok(()) };
        let sent = destination.as_str();
        prop_assert!(sent.len() <= 8_192 && sent.bytes().all(|byte| (0x21..0x7f).contains(&byte)), "{}", sent);
        prop_assert!(HeaderValue::from_str(sent).is_ok());
        let url = Url::parse(sent).unwrap();
        prop_assert!(matches!(url.scheme(), "http" | "https"));
        prop_assert!(url.username().is_empty() && url.password().is_none());
        let host = url.host_str().unwrap().trim_end_matches('.');
        let is_web = matches!(url.port_or_known_default(), Some(80 | 443));
        prop_assert!(!(is_web && ["go.example", "brand.example"].contains(&host)), "{}", sent);
        let again = Destination::parse(sent, site.destination_rules());
        prop_assert_eq!(again.as_ref().map(Destination::as_str), Ok(sent));
    }

    #[test]
    fn an_accepted_slug_is_the_same_once_more_and_no_path_of_ours(text in slugs()) {
        let Ok(slug) = Slug::parse(&text) else { return Ok(()) };
        prop_assert_eq!(Slug::parse(slug.as_str()), Ok(slug.clone()));
        prop_assert!((1..=128).contains(&slug.as_str().chars().count()));
        let first = slug.as_str().split('/').next().unwrap();
        prop_assert!(!RESERVED.iter().any(|own| own.eq_ignore_ascii_case(first)));
        let url = site().short_url(&Domain::main(), &slug);
        prop_assert!(url.is_ascii() && HeaderValue::from_str(&url).is_ok());
        let path = Url::parse(&url).unwrap().path().to_owned();
        let decoded = percent_encoding::percent_decode_str(&path[1..]).decode_utf8().unwrap().into_owned();
        prop_assert_eq!(decoded, slug.as_str(), "no browser resolves a part of it away");
    }

    #[test]
    fn an_accepted_key_is_visible_and_the_same_in_quotes(value in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), "[ -~]{0,300}".prop_map(String::into_bytes)]) {
        let Ok(key) = IdempotencyKey::parse(&value) else { return Ok(()) };
        prop_assert!((1..=255).contains(&key.as_str().len()) && key.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        let quoted = format!("\"{}\"", key.as_str().replace('\\', "\\\\").replace('"', "\\\""));
        prop_assert_eq!(IdempotencyKey::parse(quoted.as_bytes()), Ok(key));
    }

    #[test]
    fn a_cursor_opens_to_what_was_sealed_and_to_nothing_else(
        key in any::<[u8; 32]>(), query in prop::collection::vec(any::<u8>(), 0..40), position in prop::collection::vec(any::<u8>(), 0..200),
        text in ".{0,80}", at in any::<prop::sample::Index>(), other in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let cursors = Cursors::new(key);
        let cursor = cursors.seal(&query, &position);
        prop_assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')), "safe in a URL: {}", cursor);
        prop_assert_eq!(cursors.open(&query, &cursor), Ok(position));
        prop_assert!(cursors.open(&query, &text).is_err());
        prop_assert!(other == query || cursors.open(&other, &cursor).is_err());
        let at = at.index(cursor.len());
        let mut forged = cursor.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        prop_assert!(cursors.open(&query, &String::from_utf8(forged).unwrap()).is_err());
        prop_assert!(cursors.open(&query, &cursor[..at]).is_err());
    }

    #[test]
    fn json_reads_as_it_was_written_or_not_at_all(value in values(), bytes in prop::collection::vec(any::<u8>(), 0..60), cut in any::<prop::sample::Index>()) {
        let text = value.to_string();
        prop_assert_eq!(fields::parse(text.as_bytes()).unwrap(), value.clone());
        if let Ok(read) = fields::parse(&bytes) {
            prop_assert!(depth(&read) <= DEEPEST);
            prop_assert_eq!(fields::parse(read.to_string().as_bytes()).unwrap(), read);
        }
        let cut = cut.index(text.len());
        if (value.is_object() || value.is_array() || value.is_string()) && text.is_char_boundary(cut) {
            prop_assert!(fields::parse(&text.as_bytes()[..cut]).is_err(), "{}", &text[..cut]);
        }
    }

    #[test]
    fn a_merge_patch_does_what_rfc_7396_says(target in objects(), patch in objects()) {
        let Ok(target) = Metadata::default().merged(target) else { return Ok(()) };
        let expected = merged(Some(&Value::Object(target.as_map().clone())), &Value::Object(patch.clone()));
        let Ok(patched) = target.merged(patch.clone()) else { return Ok(()) };
        prop_assert_eq!(Value::Object(patched.as_map().clone()), expected.clone());
        prop_assert!(!has_null(&expected) || has_null(&Value::Object(target.as_map().clone())), "a null removes, it is not kept");
        prop_assert_eq!(patched.merged(patch).map(|again| again.to_json()), Ok(patched.to_json()), "twice is as once");
    }
}

proptest! {
    #![proptest_config(config(200))]

    /// The whole way: made by the API, and followed under the short URL that it gave.
    #[test]
    fn an_accepted_link_is_followed_to_where_it_leads(slug in slugs(), destination in destinations()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start().await;
            let reply = server.post("/v1/links", &json!({"slug": slug, "destination": destination})).send().await;
            let valid = Slug::parse(&slug).is_ok() && Destination::parse(&destination, site().destination_rules()).is_ok();
            assert_eq!(reply.status, if valid { 201 } else { 422 }, "{}", reply.text());
            if valid {
                let link = reply.json();
                let path = link["short_url"].as_str().unwrap().strip_prefix(PUBLIC_URL).unwrap().to_owned();
                assert_eq!(link["destination"], server.destination(&path).await);
            }
        });
    }

    /// Bytes of any kind in all places at once are answered, and never with a fault of ours.
    #[test]
    fn no_request_is_answered_with_a_fault_of_ours(
        method in prop_oneof!["GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE", "[A-Z]{1,8}"],
        path in prop_oneof!["/v1/links(/[!-~&&[^?#%\"<>`{}]]{0,30})?(/stats|/qr.svg)?", "/v1/(events|event-types|links/bulk)", "/[!-~&&[^?#%\"<>`{}]]{0,30}", "(/%[0-9A-F]{2}){1,4}"],
        query in prop_oneof![Just(String::new()), "\\?(limit|cursor|sort|q|tag|types|from|to|size)=[!-~&&[^#\"<>`{}]]{0,20}"],
        headers in prop::collection::vec((prop_oneof![
            Just("accept"), Just("content-type"), Just("idempotency-key"), Just("if-match"), Just("if-none-match"), Just("origin"), Just("x-request-id"),
            Just("traceparent"), Just("content-encoding"), Just("content-length"), Just("x-forwarded-for"), Just("host"), Just("cookie"),
        ], prop::collection::vec(any::<u8>(), 0..40)), 0..6),
        body in prop_oneof![prop::collection::vec(any::<u8>(), 0..60), values().prop_map(|value| value.to_string().into_bytes())],
        is_json in any::<bool>(),
    ) {
        let Ok(uri) = format!("{path}{query}").parse::<http::Uri>() else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (status, text) = runtime.block_on(async {
            let server = Server::start().await;
            let key = server.issue("default", "*").await;
            let mut request = Request::new(Body::from(body));
            *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
            *request.uri_mut() = uri;
            request.headers_mut().insert("authorization", HeaderValue::try_from(format!("Bearer {key}")).unwrap());
            for (name, value) in &headers {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    request.headers_mut().append(*name, value);
                }
            }
            if is_json {
                request.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            }
            let response = server.router().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
            (status, String::from_utf8_lossy(&body).into_owned())
        });
        prop_assert!(status < 500, "{}: {}", status, text);
        prop_assert!(status < 400 || method == "HEAD" || text.contains("\"request_id\"") || text.starts_with("<!doctype"), "{}: {}", status, text);
    }
}
