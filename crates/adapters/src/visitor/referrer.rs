//! The host that a visitor came from.

use std::net::Ipv6Addr;

/// The longest name that a host can have (RFC 1035 §2.3.4, as text).
const LONGEST: usize = 253;
/// Pages, and apps on Android, which are named by their package.
const SCHEMES: [&str; 3] = ["https", "http", "android-app"];

/// The host of a `Referer`, in lower case, without port and `www.`; `None` where there is none, or none that a browser
/// would send.
///
/// Read by hand: it is a fixed form in ASCII, and a full URL parser would be the dearest part of describing a visitor.
pub(super) fn host(referrer: &[u8]) -> Option<Box<str>> {
    let (scheme, rest) = std::str::from_utf8(head(referrer)).ok()?.split_once("://")?;
    if !SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host_and_port = authority.rsplit('@').next()?;
    if let Some(bracketed) = host_and_port.strip_prefix('[') {
        let address: Ipv6Addr = bracketed.split_once(']')?.0.parse().ok()?;
        return Some(format!("[{address}]").into());
    }
    let host = host_and_port.split(':').next()?;
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || host.len() > LONGEST || !host.bytes().all(is_name) {
        return None;
    }
    let mut host = host.to_ascii_lowercase();
    if let Some(bare) = host.strip_prefix("www.").filter(|bare| bare.contains('.')) {
        host = bare.to_owned();
    }
    Some(host.into())
}

/// As much as can hold scheme and host: what stands behind them may be no UTF-8 at all.
fn head(referrer: &[u8]) -> &[u8] {
    let authority = referrer.windows(3).position(|window| window == b"://").map_or(0, |at| at + 3);
    let end = referrer.iter().skip(authority).position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'));
    end.map_or(referrer, |end| &referrer[..authority + end])
}
