//! Who is asking, as the target is told: in words of the gateway, never in those of the caller.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use waypost_core::credentials::Principal;
use waypost_core::tokens::Tokens;

pub use crate::gateway::hygiene::PRINCIPAL;

/// Vouches for who is asking.
///
/// The value goes to the target in `Waypost-Principal`; a short-lived signed token, so that a target believes it without
/// asking, and another one cannot use it.
#[async_trait]
pub trait Vouch: Debug + Send + Sync {
    /// The word for the upstream of this name about a request to `path`, as the target sees it, with
    /// its own base path and without the query. Asked for each attempt, so that a word is never old. `None` where there is
    /// nobody to vouch for. `parts` has the principal among its extensions if the guard knows one.
    async fn vouch(&self, parts: &Parts, upstream: &str, path: &str) -> Option<HeaderValue>;
}

/// Vouches for nobody: targets do not learn who asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct VouchForNobody;

#[async_trait]
impl Vouch for VouchForNobody {
    async fn vouch(&self, _: &Parts, _: &str, _: &str) -> Option<HeaderValue> {
        None
    }
}

/// Vouches by a signed token, for half a minute, one upstream, one method and one path.
#[derive(Clone, Debug)]
pub struct VouchByToken(pub Arc<Tokens>);

#[async_trait]
impl Vouch for VouchByToken {
    async fn vouch(&self, parts: &Parts, upstream: &str, path: &str) -> Option<HeaderValue> {
        let principal = parts.extensions.get::<Principal>()?;
        match self.0.vouch(principal, upstream, parts.method.as_str(), path).await {
            Ok(token) => HeaderValue::try_from(token).ok(),
            Err(error) => {
                // The upstream then refuses what needs somebody, which is the safe side.
                tracing::warn!(error = ?error, upstream, "nobody could be vouched for");
                None
            }
        }
    }
}

/// Takes off what only the gateway may say of who asks.
pub fn strip_claims(headers: &mut HeaderMap) {
    let claims: Vec<HeaderName> = headers.keys().filter(|name| is_ours(name.as_str())).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
}

/// Puts the gateway's word onto the headers of one attempt.
pub fn speak(headers: &mut HeaderMap, word: Option<HeaderValue>) {
    if let Some(mut word) = word {
        word.set_sensitive(true);
        headers.insert(PRINCIPAL, word);
    }
}

/// Takes the caller's credentials off.
pub fn strip_credentials(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    headers.remove(COOKIE);
}

/// Whether only the gateway may send this header. Frameworks read `_`, `-` and `.` as one (CGI made them so): each
/// spelling counts.
fn is_ours(name: &str) -> bool {
    // Few names begin so; the rest costs one look.
    if !name.starts_with(['w', 'x']) {
        return false;
    }
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    letters.starts_with("waypost") || letters.starts_with("xwaypost") || letters == "xuserid"
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;

    use super::*;

    #[derive(Debug)]
    struct Says(&'static str);

    #[async_trait]
    impl Vouch for Says {
        async fn vouch(&self, parts: &Parts, upstream: &str, _: &str) -> Option<HeaderValue> {
            assert!(!parts.headers.contains_key(PRINCIPAL), "the caller's own is gone before");
            HeaderValue::try_from(format!("{} to {upstream}", self.0)).ok()
        }
    }

    async fn spoken(passes: bool, vouch: &dyn Vouch) -> HeaderMap {
        let mut request = Request::get("/");
        for name in [
            "Waypost-Principal",
            "WAYPOST_PRINCIPAL",
            "waypost.principal",
            "X-Waypost-Role",
            "X_User_Id",
            "x-user-id",
            "X-Userid",
            "Authorization",
            "Cookie",
            "X-Kept",
            "Way",
        ] {
            request = request.header(name, "forged");
        }
        let (mut parts, _) = request.body(Body::empty()).expect("a request").into_parts();
        strip_claims(&mut parts.headers);
        let word = vouch.vouch(&parts, "shop", "/").await;
        if !passes {
            strip_credentials(&mut parts.headers);
        }
        speak(&mut parts.headers, word);
        parts.headers
    }

    #[tokio::test]
    async fn the_callers_copy_dies_in_every_spelling() {
        let headers = spoken(false, &VouchForNobody).await;
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["way", "x-kept"]);
    }

    #[tokio::test]
    async fn the_gateways_word_stands_in_its_place_and_credentials_pass_only_if_told() {
        let headers = spoken(true, &Says("wsp_1")).await;
        assert_eq!(headers[PRINCIPAL], "wsp_1 to shop");
        assert_eq!(headers.get_all(PRINCIPAL).iter().count(), 1);
        assert!(headers.contains_key(AUTHORIZATION) && headers.contains_key(COOKIE));
        assert!(headers[PRINCIPAL].is_sensitive());
    }
}
