//! Where a browser goes after it signed in.

use url::Url;

use crate::links::RESERVED;

/// A path of this server's own that a browser goes to after it signed in: `/`, or one that begins as no link does. Never
/// another site: a login that sends people wherever a link says is an open redirector (RFC 9700 §4.11), and every short link
/// leads to another site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnPath(Box<str>);

impl Default for ReturnPath {
    fn default() -> Self {
        Self("/".into())
    }
}

impl ReturnPath {
    /// The longest path that is taken, with its query, in bytes: what a client asks of a person with a redirect URI of
    /// 2,048 bytes, the longest there is, if the rest is short. The cookie that it travels in holds 4,096 bytes.
    pub const LONGEST: usize = 2_600;

    /// Takes a path; whatever is not one of this server becomes `/`. The routes of the login itself are not taken either:
    /// they would go round in circles.
    pub fn of(text: &str) -> Self {
        if is_local(text) { Self(text.into()) } else { Self::default() }
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_local(text: &str) -> bool {
    if text.len() > ReturnPath::LONGEST || !text.starts_with('/') || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    let path = text.split(['?', '#']).next().unwrap_or_default();
    // Proxies and browsers decode once or twice before they look: what one of them may see is looked at here.
    let mut seen = path.to_owned();
    for _ in 0..3 {
        if seen.contains("//") || seen.contains('\\') || seen.bytes().any(|byte| byte.is_ascii_control()) {
            return false;
        }
        seen = decoded(&seen);
    }
    // What a browser makes of it, dots taken out.
    let Ok(base) = Url::parse("https://w.example/") else { return false };
    let Ok(url) = base.join(text) else { return false };
    let first = url.path().trim_start_matches('/').split('/').next().unwrap_or_default();
    let is_own = url.path() == "/" || RESERVED.iter().any(|own| own.eq_ignore_ascii_case(first));
    url.origin() == base.origin() && is_own && !url.path().starts_with("/auth/")
}

fn decoded(text: &str) -> String {
    let pair = |at: usize| text.get(at + 1..at + 3).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let hex =
            bytes[at] == b'%' && bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        match (hex, pair(at)) {
            (true, Some(byte)) => {
                out.push(char::from(byte));
                at += 3;
            }
            _ => {
                out.push(char::from(bytes[at]));
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_server_is_gone_back_to() {
        for good in ["/", "/docs", "/v1/links?limit=5&q=a%20b", "/docs/b#c", "/docs?next=https://other.example/"] {
            assert_eq!(ReturnPath::of(good).as_str(), good);
        }
        for bad in [
            "",
            "docs",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\\/evil.example",
            "https://evil.example/",
            "https:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/%2f/evil.example",
            "/%2Fevil.example",
            "/%5cevil.example",
            "/%255cevil.example",
            "/%252fevil.example",
            "/a/..//evil.example",
            "/.//evil.example",
            "/\u{9}/evil.example",
            "/%09/evil.example",
            "/a\r\nSet-Cookie: a=b",
            "/%0d%0aSet-Cookie:%20a=b",
            "/ /evil.example",
            "/\u{2215}evil.example",
            "?a",
            "#a",
            "@evil.example",
            "/auth/login",
            "/x/../auth/login",
            "/spring",
            "/spring/sale?x=1",
            "/docs/../spring",
            "/docs/%2e%2e/spring",
            "/docs%2f..%2fspring",
            "/docs.",
            &format!("/docs/{}", "a".repeat(2_600)),
        ] {
            assert_eq!(ReturnPath::of(bad), ReturnPath::default(), "{bad:.40}");
        }
        let longest = format!("/oauth/authorize?{}", "a".repeat(2_583));
        assert_eq!(ReturnPath::of(&longest).as_str(), longest);
    }
}
