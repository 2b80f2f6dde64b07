//! What is sent.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::Full;
use waypost_core::webhooks::WebhookCall;

/// Why a call cannot be written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsendable {
    #[error("the address is no URL that can be called")]
    Target,
    #[error("the header `{0}` cannot be sent: its name or value is none that HTTP carries")]
    Header(String),
    #[error("the header `{0}` cannot be sent: it steers the connection")]
    Steering(String),
}

/// What HTTP itself sets, and what would let one call end in the middle and another begin (RFC 9110 §7.6.1, RFC 9112 §6).
const STEERING: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Writes the call as a request; its header values and body are taken over, not copied.
pub(super) fn request(call: WebhookCall) -> Result<Request<Full<Bytes>>, Unsendable> {
    let uri: Uri = call.target.as_str().parse().map_err(|_| Unsendable::Target)?;
    let mut headers = HeaderMap::with_capacity(call.headers.len() + 2);
    for (name, value) in call.headers {
        if STEERING.iter().any(|steering| name.eq_ignore_ascii_case(steering)) {
            return Err(Unsendable::Steering(name));
        }
        let parts = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_maybe_shared(Bytes::from(value)));
        let (Ok(key), Ok(value)) = parts else {
            return Err(Unsendable::Header(name.chars().filter(|letter| !letter.is_control()).take(64).collect()));
        };
        headers.append(key, value);
    }
    let mut request = Request::new(Full::new(call.body));
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (Method::POST, uri, headers);
    Ok(request)
}

#[cfg(test)]
mod tests {
    use waypost_core::webhooks::Target;

    use super::*;

    fn call(name: &str, value: &str) -> WebhookCall {
        let target = Target::parse("https://a.example/hook?x=1", false).unwrap();
        WebhookCall { target, headers: vec![(name.to_owned(), value.to_owned())], body: Bytes::from_static(b"{}") }
    }

    #[test]
    fn a_call_is_a_post_with_its_headers() {
        let request = request(call("webhook-id", "evt_1")).unwrap();
        assert_eq!(
            (request.method().as_str(), request.uri().to_string()),
            ("POST", "https://a.example/hook?x=1".into())
        );
        assert_eq!(request.headers()["webhook-id"], "evt_1");
    }

    #[test]
    fn a_header_that_http_cannot_carry_or_that_steers_it_is_no_header() {
        for (name, value) in [
            ("x-a", "1\r\nx-b: 2"),
            ("x-a", "1\nx-b: 2"),
            ("x-a", "\0"),
            ("x-a", "\x7f"),
            ("x a", "1"),
            ("x-a\r\nx-b", "1"),
            ("", "1"),
            ("\u{e4}", "1"),
        ] {
            let fault = request(call(name, value)).unwrap_err();
            assert!(matches!(fault, Unsendable::Header(_)), "{name:?}: {value:?}");
            assert!(!fault.to_string().contains(['\r', '\n', '\0']), "{fault}");
        }
        for name in STEERING {
            assert!(matches!(request(call(name, "1")), Err(Unsendable::Steering(_))), "{name}");
        }
        let mut elsewhere = call("x-a", "1");
        elsewhere.target = Target::stored("not a URL");
        assert_eq!(request(elsewhere).unwrap_err(), Unsendable::Target);
    }
}
