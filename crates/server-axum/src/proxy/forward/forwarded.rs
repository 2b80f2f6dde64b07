//! For whom a request is forwarded: `Forwarded` (RFC 7239), `X-Forwarded-*`, `Via` (RFC 9110 §7.6.3).
//!
//! What a caller wrote there itself is worth nothing and is dropped, whatever the name after `X-Forwarded-`; where the
//! peer is a trusted proxy, it is what that proxy says, and is added to. Names that say the same in other ways
//! ([`FORWARDING`]: `True-Client-IP` and its kind) are nobody's: no proxy is known to set all of them, and what a proxy does
//! not set is its caller's word.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::header::{FORWARDED, HOST, VIA};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use crate::gateway::client_address::TrustedProxies;
use crate::gateway::context::RequestContext;
use crate::gateway::hygiene::FORWARDING;
use crate::gateway::request_id::X_REQUEST_ID;

const X_FORWARDED: &str = "x-forwarded-";
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// On a request: its connection came over TLS. What the request itself says of its scheme is its caller's word.
#[derive(Clone, Copy, Debug)]
pub struct OverTls;

/// Says for whom the request is, in place of what its caller said. The host as the caller named it goes from `Host`, which
/// is the target's, to `X-Forwarded-Host`.
///
/// The peer is taken from axum's `ConnectInfo<SocketAddr>`, the id and the trace from [`RequestContext`]; without them
/// nothing is said of them.
pub fn tell(parts: &mut Parts, proxies: &TrustedProxies) {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let is_trusted = peer.is_some_and(|peer| proxies.trusts(peer));
    let host = parts.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    let own = parts.headers.remove(HOST);
    let host = host.or(own);
    let proto = if parts.extensions.get::<OverTls>().is_some() { "https" } else { "http" };
    let via = match parts.version {
        Version::HTTP_10 => "1.0 waypost",
        Version::HTTP_2 => "2.0 waypost",
        _ => "1.1 waypost",
    };
    let context = parts.extensions.get::<RequestContext>().cloned();
    let headers = &mut parts.headers;
    drop_claims(headers, is_trusted);
    if let Some(peer) = peer {
        append(headers, X_FORWARDED_FOR, &peer.to_string());
        append(headers, FORWARDED, &element(peer, host.as_ref(), proto));
    }
    if let (Some(host), false) = (host, headers.contains_key(X_FORWARDED_HOST)) {
        headers.insert(X_FORWARDED_HOST, host);
    }
    if !headers.contains_key(X_FORWARDED_PROTO) {
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(proto));
    }
    append(headers, VIA, via);
    if let Some(context) = context {
        headers.insert(X_REQUEST_ID, context.id().header().clone());
        let carried = context.traceparent().to_string();
        // The state belongs to the trace that it came with.
        if headers.get(TRACEPARENT).is_none_or(|own| own.as_bytes()[..] != *carried.as_bytes()) {
            headers.remove(TRACESTATE);
        }
        if let Ok(value) = HeaderValue::try_from(carried) {
            headers.insert(TRACEPARENT, value);
        }
    }
}

fn drop_claims(headers: &mut HeaderMap, is_trusted: bool) {
    let claims = |name: &&HeaderName| match name.as_str().starts_with(X_FORWARDED) || **name == FORWARDED {
        true => !is_trusted,
        // The names are sorted.
        false => FORWARDING.binary_search(&name.as_str()).is_ok(),
    };
    let claims: Vec<HeaderName> = headers.keys().filter(claims).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
}

/// Adds to a list, which stays one line.
fn append(headers: &mut HeaderMap, name: HeaderName, item: &str) {
    let mut list = String::new();
    for value in headers.get_all(&name).iter().filter_map(|value| value.to_str().ok()) {
        let comma = if list.is_empty() { "" } else { ", " };
        let _ = write!(list, "{comma}{value}");
    }
    let comma = if list.is_empty() { "" } else { ", " };
    let _ = write!(list, "{comma}{item}");
    if let Ok(value) = HeaderValue::try_from(list) {
        headers.insert(name, value);
    }
}

/// One element of `Forwarded` (RFC 7239 §4): an IPv6 address and a host with a port are quoted.
fn element(peer: IpAddr, host: Option<&HeaderValue>, proto: &str) -> String {
    let mut text = match peer {
        IpAddr::V4(peer) => format!("for={peer}"),
        IpAddr::V6(peer) => format!("for=\"[{peer}]\""),
    };
    let plain = |text: &&str| !text.is_empty() && !text.contains(['"', '\\', ',', ';']);
    if let Some(host) = host.and_then(|host| host.to_str().ok()).filter(plain) {
        let _ = write!(text, ";host=\"{host}\"");
    }
    let _ = write!(text, ";proto={proto}");
    text
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;

    use super::*;

    fn told(peer: &str, headers: &[(&str, &str)]) -> HeaderMap {
        let mut request = Request::get("/x").header("host", "shop.example:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, _) = request.body(Body::empty()).expect("a request").into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().expect("an address"), 5)));
        tell(&mut parts, &TrustedProxies::parse(["10.0.0.0/8"]).expect("a network"));
        parts.headers
    }

    #[test]
    fn a_callers_own_claims_are_dropped() {
        let forged = [
            ("forwarded", "for=1.2.3.4"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-host", "admin.example"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-prefix", "/admin"),
            ("x-real-ip", "1.2.3.4"),
        ];
        let headers = told("203.0.113.9", &forged);
        assert_eq!(headers["x-forwarded-for"], "203.0.113.9");
        assert_eq!(headers["forwarded"], "for=203.0.113.9;host=\"shop.example:8080\";proto=http");
        assert_eq!(headers["x-forwarded-host"], "shop.example:8080");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["via"], "1.1 waypost");
        assert!(!headers.contains_key("x-forwarded-prefix") && !headers.contains_key("x-real-ip"));
    }

    #[test]
    fn a_trusted_proxy_is_added_to() {
        let said = [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-proto", "https"), ("via", "1.1 edge")];
        let headers = told("10.1.1.1", &said);
        assert_eq!(headers["x-forwarded-for"], "198.51.100.7, 10.1.1.1");
        assert_eq!(
            (&headers["x-forwarded-proto"], &headers["via"]),
            (&"https".parse().unwrap(), &"1.1 edge, 1.1 waypost".parse().unwrap())
        );
    }

    #[test]
    fn of_a_trusted_proxy_only_the_standard_names_pass() {
        assert!(FORWARDING.is_sorted());
        let others = FORWARDING.iter().filter(|name| !name.ends_with('*') && **name != "forwarded");
        for peer in ["10.1.1.1", "203.0.113.9"] {
            let said: Vec<(&str, &str)> = others.clone().map(|name| (*name, "1.2.3.4")).collect();
            let headers = told(peer, &said);
            for (name, _) in said {
                assert!(!headers.contains_key(name), "{name} from {peer}");
            }
        }
    }

    #[test]
    fn an_address_with_colons_is_quoted() {
        let headers = told("2001:db8::1", &[]);
        assert!(headers["forwarded"].to_str().unwrap().starts_with("for=\"[2001:db8::1]\";"));
        assert_eq!(headers["x-forwarded-for"], "2001:db8::1");
    }
}
