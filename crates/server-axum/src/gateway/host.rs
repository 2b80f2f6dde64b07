//! Which host a request is for, said once and well-formed (RFC 9112 §3.2, RFC 9113 §8.3.1).
//!
//! Two parts of a chain that read two different hosts can be played against each other, so a request whose host is in
//! doubt is 400:
//! - no `Host` in HTTP/1.1; neither `Host` nor `:authority` in HTTP/2;
//! - `Host` more than once, or no host with an optional port: a user name, a path, a list, a space;
//! - `Host` and `:authority` of HTTP/2 that are not the same.
//!
//! A target in absolute form (`GET http://a/ HTTP/1.1`) names the host, and `Host` is ignored (RFC 9112 §3.2.2): it is
//! replaced, so nothing within reads the other.
//!
//! [`of`] is plain and cheap, for paths that do not run through layers. Alone, on a foreign axum router:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::host;
//!
//! let router: Router = Router::new().layer(middleware::from_fn(host::check));
//! ```

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Uri, Version};
use waypost_core::wire::v1::ErrorCode;

use crate::error::{ApiError, ApiResult};

/// The host that a request is for, with its port if it names one; empty in HTTP/1.0, which may name none.
///
/// # Errors
/// `MALFORMED_REQUEST`, with a reason that names the fault.
pub fn of<'a>(version: Version, uri: &'a Uri, headers: &'a HeaderMap) -> ApiResult<&'a str> {
    let mut lines = headers.get_all(HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(refused("Host stands twice"));
    }
    let line =
        line.map(|line| line.to_str().ok().filter(|host| is_host(host)).ok_or_else(|| refused("Host is no host")));
    let line = line.transpose()?;
    let target = uri.authority().map(|authority| authority.as_str());
    if let Some(target) = target {
        if !is_host(target) {
            return Err(refused("the target's authority is no host"));
        }
        return match line {
            None if version == Version::HTTP_11 => Err(refused("there is no Host")),
            Some(line) if version >= Version::HTTP_2 && !line.eq_ignore_ascii_case(target) => {
                Err(refused("Host and :authority are not the same"))
            }
            _ => Ok(target),
        };
    }
    match line {
        Some(line) => Ok(line),
        None if version < Version::HTTP_11 => Ok(""),
        None => Err(refused("there is no Host")),
    }
}

#[cold]
fn refused(reason: &'static str) -> ApiError {
    ApiError::new(ErrorCode::MalformedRequest, "The request must name one host")
        .with_detail("header.Host", reason)
        .with_reason(reason)
}

/// `uri-host [":" port]` (RFC 9110 §7.2), as far as it can be told apart from everything that must not stand there: the
/// characters of names and addresses, an address of IPv6 in brackets, and digits after the last colon.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else { return false };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("v6", port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = port.strip_prefix(':').unwrap_or(if port.is_empty() { "" } else { "x" });
    let is_of_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    !name.is_empty() && name.bytes().all(is_of_name) && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit())
}

/// Refuses a request whose host is in doubt, and has `Host` say what the target says.
pub async fn check(mut request: Request, next: Next) -> Response {
    if let Err(error) = of(request.version(), request.uri(), request.headers()) {
        return error.into_response();
    }
    let target = request.uri().authority().and_then(|target| HeaderValue::from_str(target.as_str()).ok());
    if let Some(target) = target {
        request.headers_mut().insert(HOST, target);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(version: Version, uri: &str, hosts: &[&str]) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).unwrap());
        }
        let uri = uri.parse().unwrap();
        let found = of(version, &uri, &headers);
        found.map(str::to_owned).map_err(|error| error.reason().unwrap().into_owned())
    }

    #[test]
    fn one_host_is_read_from_where_it_stands() {
        for host in ["go.example", "GO.example:8080", "127.0.0.1:1", "[::1]", "[2001:db8::5]:65535", "a_b", "a:"] {
            assert_eq!(read(Version::HTTP_11, "/x", &[host]).as_deref(), Ok(host));
        }
        assert_eq!(read(Version::HTTP_10, "/x", &[]).as_deref(), Ok(""));
        assert_eq!(read(Version::HTTP_11, "http://a.example/x", &["b.example"]).as_deref(), Ok("a.example"));
        assert_eq!(read(Version::HTTP_2, "http://a.example/x", &[]).as_deref(), Ok("a.example"));
        assert_eq!(read(Version::HTTP_2, "http://a.example/x", &["A.example"]).as_deref(), Ok("a.example"));
    }

    #[test]
    fn a_host_in_doubt_is_refused() {
        let bad =
            ["", "a b", "a,b", "a/b", "u@a", "a:b", "a:1:2", "[::1", "[a]", "[::1]x", "a:123456", "é", "a?b", "a\\b"];
        for host in bad {
            assert_eq!(read(Version::HTTP_11, "/x", &[host]).unwrap_err(), "Host is no host", "{host:?}");
        }
        for (version, uri, hosts, reason) in [
            (Version::HTTP_11, "/x", &[][..], "there is no Host"),
            (Version::HTTP_11, "http://a/x", &[], "there is no Host"),
            (Version::HTTP_2, "/x", &[], "there is no Host"),
            (Version::HTTP_11, "/x", &["a", "a"], "Host stands twice"),
            (Version::HTTP_2, "http://a/x", &["a", "a"], "Host stands twice"),
            (Version::HTTP_2, "http://a/x", &["b"], "Host and :authority are not the same"),
            (Version::HTTP_2, "http://a/x", &["a:80"], "Host and :authority are not the same"),
            (Version::HTTP_11, "http://u@a/x", &["a"], "the target's authority is no host"),
        ] {
            assert_eq!(read(version, uri, hosts).unwrap_err(), reason, "{uri} {hosts:?}");
        }
    }
}
