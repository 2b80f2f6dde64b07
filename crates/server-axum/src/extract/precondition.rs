//! Preconditions (RFC 9110 §13).

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use waypost_core::links::Link;

use crate::error::ApiError;
use crate::reply::etag;

/// The headers `If-Match` and `If-None-Match` of a write: which versions of a thing the client is willing to change.
pub(crate) struct IfMatch(HeaderMap);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut kept = HeaderMap::new();
        for name in [IF_MATCH, IF_NONE_MATCH] {
            for value in parts.headers.get_all(&name) {
                kept.append(name.clone(), value.clone());
            }
        }
        Ok(Self(kept))
    }
}

impl IfMatch {
    /// Whether this version of the link is one of them.
    pub(crate) fn allows(&self, link: &Link) -> bool {
        self.allows_tag(&etag(link.id, link.version.0))
    }

    /// Whether the version with this tag is one of them. `If-Match` compares strongly, so a weak tag matches nothing
    /// (§13.1.1); `If-None-Match` compares weakly (§13.1.2).
    pub(crate) fn allows_tag(&self, tag: &str) -> bool {
        let matches =
            !self.0.contains_key(IF_MATCH) || tags(&self.0, IF_MATCH).any(|given| given == "*" || given == tag);
        matches && !lists_tag(&self.0, IF_NONE_MATCH, tag)
    }
}

/// Whether the list in `header` names `tag` by weak comparison, or is `*`.
pub(crate) fn lists_tag(headers: &HeaderMap, header: HeaderName, tag: &str) -> bool {
    tags(headers, header).any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

/// The tags of a list header. No tag of ours has a comma in it, so cutting at commas finds each of ours.
fn tags(headers: &HeaderMap, header: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(header)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn weak_comparison_lists_and_the_star() {
        let mut headers = HeaderMap::new();
        headers.append(IF_NONE_MATCH, HeaderValue::from_static("\"a\", W/\"b\""));
        headers.append(IF_NONE_MATCH, HeaderValue::from_static("\"c\""));
        for tag in ["\"a\"", "\"b\"", "\"c\""] {
            assert!(lists_tag(&headers, IF_NONE_MATCH, tag));
        }
        assert!(!lists_tag(&headers, IF_NONE_MATCH, "\"d\""));
        headers.append(IF_NONE_MATCH, HeaderValue::from_static("*"));
        assert!(lists_tag(&headers, IF_NONE_MATCH, "\"d\""));
    }
}
