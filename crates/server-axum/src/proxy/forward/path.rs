//! The path that goes on: without the prefix, and only if it means one thing to everyone.
//!
//! Routes are found by the path as it was sent, and scopes hang on routes. A server behind that undoes `%61` or `/../`
//! would then serve another path than the one that was allowed. Such paths are refused; no honest client sends them.

use http::Uri;

/// Why a path does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguous {
    /// `.` or `..`, plain or encoded.
    #[error("has a segment . or .., which servers resolve in different ways; send the path that is meant")]
    DotSegment,
    /// Two slashes in a row.
    #[error("has an empty segment, which some servers drop; send one slash alone")]
    EmptySegment,
    /// A slash or backslash that is encoded, or a backslash, which some servers take for a slash.
    #[error("has an encoded slash or a backslash, which some servers take for a slash; send it in the query")]
    HiddenSlash,
    /// A semicolon, plain or encoded: some servers take what follows for a parameter, and look at the rest alone.
    #[error("has a semicolon, behind which some servers read no more; send it in the query")]
    Parameter,
    /// A path that ends in a slash, while without it another route has it.
    #[error("ends in a slash, and without it belongs to another route; leave the slash out")]
    OtherRoute,
    /// A letter, digit, `-`, `.`, `_` or `~` that is encoded for no reason (RFC 3986 §2.3).
    #[error("encodes letters that need none; send them plain")]
    NeedlessEncoding,
    /// An encoding that is none, or an encoded control character.
    #[error("has an encoding that is broken or of a control character; encode as UTF-8")]
    BrokenEncoding,
}

/// The path and query to be asked for.
///
/// # Errors
/// [`Ambiguous`] paths.
pub fn onward(uri: &Uri, strip_prefix: Option<&str>) -> Result<String, Ambiguous> {
    let path = uri.path();
    check(path)?;
    let rest = match strip_prefix.and_then(|prefix| path.strip_prefix(prefix)) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        // The route's own path begins with the prefix: nothing else comes here.
        _ => path,
    };
    let slash = if rest.starts_with('/') { "" } else { "/" };
    Ok(match uri.query() {
        Some(query) => format!("{slash}{rest}?{query}"),
        None => format!("{slash}{rest}"),
    })
}

/// Checks a path as it was sent.
///
/// # Errors
/// What is ambiguous about it.
pub fn check(path: &str) -> Result<(), Ambiguous> {
    let bytes = path.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'\\' => return Err(Ambiguous::HiddenSlash),
            b';' => return Err(Ambiguous::Parameter),
            b'%' => match decoded(bytes, index) {
                None | Some(..0x20 | 0x7F) => return Err(Ambiguous::BrokenEncoding),
                Some(b'/' | b'\\') => return Err(Ambiguous::HiddenSlash),
                Some(b';') => return Err(Ambiguous::Parameter),
                Some(b'.') => return Err(Ambiguous::DotSegment),
                Some(byte) if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) => {
                    return Err(Ambiguous::NeedlessEncoding);
                }
                Some(_) => {}
            },
            _ => {}
        }
    }
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => return Err(Ambiguous::DotSegment),
            "" if segments.peek().is_some() => return Err(Ambiguous::EmptySegment),
            _ => {}
        }
    }
    Ok(())
}

fn decoded(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |index: usize| bytes.get(index).and_then(|byte| char::from(*byte).to_digit(16));
    u8::try_from(digit(at + 1)? * 16 + digit(at + 2)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_servers_could_read_in_two_ways_is_refused() {
        for (path, fault) in [
            ("/a/../b", Ambiguous::DotSegment),
            ("/a/.", Ambiguous::DotSegment),
            ("/a/%2e%2e/b", Ambiguous::DotSegment),
            ("/a/.%2E/b", Ambiguous::DotSegment),
            ("/a/..;x/b", Ambiguous::Parameter),
            ("/admin;v=1", Ambiguous::Parameter),
            ("/admin%3Bx", Ambiguous::Parameter),
            ("/admin%3bx", Ambiguous::Parameter),
            ("/%7Eroot", Ambiguous::NeedlessEncoding),
            ("//a", Ambiguous::EmptySegment),
            ("/a//b", Ambiguous::EmptySegment),
            ("/a%2Fb", Ambiguous::HiddenSlash),
            ("/a%5cb", Ambiguous::HiddenSlash),
            ("/a\\b", Ambiguous::HiddenSlash),
            ("/%61dmin", Ambiguous::NeedlessEncoding),
            ("/a%00", Ambiguous::BrokenEncoding),
            ("/a%0d%0a", Ambiguous::BrokenEncoding),
            ("/a%", Ambiguous::BrokenEncoding),
            ("/a%2", Ambiguous::BrokenEncoding),
            ("/a%zz", Ambiguous::BrokenEncoding),
        ] {
            assert_eq!(check(path), Err(fault), "{path}");
        }
        for path in ["/", "/a", "/a/", "/a/.well-known", "/a/b..c", "/caf%C3%A9", "/a%20b", "/%25", "/~a", "/...", "*"]
        {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn the_prefix_goes_and_the_query_stays() {
        let onward = |uri: &str, prefix| onward(&uri.parse().expect("a URI"), prefix).expect("a plain path");
        assert_eq!(onward("/shop/items?a=%2F..", Some("/shop")), "/items?a=%2F..");
        assert_eq!(onward("/shop", Some("/shop")), "/");
        assert_eq!(onward("/shop?x", Some("/shop")), "/?x");
        assert_eq!(onward("/shopping", Some("/shop")), "/shopping");
        assert_eq!(onward("http://h/shop/a", None), "/shop/a");
    }
}
