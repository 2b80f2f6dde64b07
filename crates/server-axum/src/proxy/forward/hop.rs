//! Headers that are for one hop alone (RFC 9110 §7.6.1).

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// The settings of an upgrade to `h2c`, which RFC 9113 has given up.
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");

/// Removes what is for one hop: `Connection` and all that it names, and those that are by their nature.
///
/// `Trailer` stays, since it tells of what follows the body end to end (RFC 9110 §6.6.2), unless `Connection` names it.
pub fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = options(headers).filter_map(|name| name.trim().parse().ok()).collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in [
        CONNECTION,
        HTTP2_SETTINGS,
        KEEP_ALIVE,
        PROXY_AUTHENTICATE,
        PROXY_AUTHENTICATION_INFO,
        PROXY_AUTHORIZATION,
        PROXY_CONNECTION,
        TE,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        headers.remove(name);
    }
}

/// Does it for a request, whose length is said anew for the next hop, and whose expectation was met here. `TE: trailers`
/// goes on, since trailers do; `speaks_http2` says whether the next hop knows `Connection`.
///
/// Before anything is added: what `Connection` names must not take off what the gateway says.
pub fn strip_request(headers: &mut HeaderMap, speaks_http2: bool) {
    let trailers = takes_trailers(headers);
    strip(headers);
    for name in [CONTENT_LENGTH, EXPECT] {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if !speaks_http2 {
            headers.insert(CONNECTION, HeaderValue::from_static("te"));
        }
    }
}

/// Whether `Connection: upgrade` (RFC 9110 §7.8) asks for WebSocket (RFC 6455 §4.1), and for nothing else.
///
/// No other protocol passes. After `h2c` above all a tunnel would carry requests that no layer in front has seen.
pub fn asks_websocket(headers: &HeaderMap) -> bool {
    options(headers).any(|option| option.trim().eq_ignore_ascii_case("upgrade")) && names_websocket(headers)
}

/// Whether `Upgrade` names WebSocket, once and alone.
pub fn names_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(UPGRADE).iter();
    let is_websocket = protocols.next().is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
    is_websocket && protocols.next().is_none()
}

/// Says it to the next hop, in words of the gateway.
pub fn say_websocket(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

fn takes_trailers(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(TE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    codings.map(str::trim).any(|coding| coding.eq_ignore_ascii_case("trailers"))
}

fn options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &'static str)| {
            (name.parse::<HeaderName>().expect("a name"), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_is_for_one_hop_dies_and_what_connection_names_with_it() {
        let mut all = headers(&[
            ("connection", "keep-alive, X-Secret"),
            ("connection", "x-other , close"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("proxy-authenticate", "Basic"),
            ("te", "gzip, trailers"),
            ("trailer", "X-Sum"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAMAAABk"),
            ("x-secret", "1"),
            ("x-other", "1"),
            ("x-kept", "1"),
        ]);
        strip(&mut all);
        assert_eq!(names(&all), ["trailer", "x-kept"]);
    }

    #[test]
    fn a_request_says_its_length_anew_and_still_takes_trailers() {
        let given = headers(&[("content-length", "3"), ("expect", "100-continue"), ("te", "Trailers;q=1, trailers")]);
        let mut one = given.clone();
        strip_request(&mut one, false);
        assert_eq!((names(&one), &one[CONNECTION]), (vec!["connection", "te"], &HeaderValue::from_static("te")));
        let mut two = given;
        strip_request(&mut two, true);
        assert_eq!(names(&two), ["te"], "HTTP/2 has no connection header");
    }

    #[test]
    fn websocket_is_asked_for_by_both_headers_and_nothing_else_is() {
        assert!(!asks_websocket(&headers(&[("upgrade", "websocket")])));
        assert!(!asks_websocket(&headers(&[("connection", "upgrade")])));
        assert!(asks_websocket(&headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")])));
        for other in ["h2c", "h2c, websocket", "websocket, h2c", "next", "websocket/13", ""] {
            assert!(!asks_websocket(&headers(&[("connection", "upgrade"), ("upgrade", other)])), "{other}");
        }
        let two = headers(&[("connection", "upgrade"), ("upgrade", "websocket"), ("upgrade", "h2c")]);
        assert!(!asks_websocket(&two));
    }
}
