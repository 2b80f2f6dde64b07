//! The port to issuers.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use url::{Host, Url};

use crate::error::Result;

/// Asks issuers, over HTTP.
///
/// # Contract
/// 1. *Bounded.* No answer of more than 256 KiB is taken, and none that takes longer than 5 seconds in all.
/// 2. *No detours.* Redirects are not followed: they would lead past what the operator configured.
/// 3. *In the open never.* Addresses that [`may_ask`] refuses are not asked.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when no answer can be had, or none within the bounds.
#[async_trait]
pub trait IssuerHttp: Debug + Send + Sync {
    /// Gets a document; every status but 200 is an error.
    async fn get(&self, url: &Url) -> Result<Document>;

    /// Posts a form, with this header `Authorization` if there is one; every status is an answer.
    async fn post_form(&self, url: &Url, fields: &[(&str, &str)], authorization: Option<&str>) -> Result<Document>;
}

/// What an issuer answered.
#[derive(Clone, Debug)]
pub struct Document {
    /// The status.
    pub status: u16,
    /// The body.
    pub bytes: Bytes,
    /// How long it may be kept, by `Cache-Control: max-age`; zero for what may not be.
    pub max_age: Option<Duration>,
}

/// Whether an address may be asked: `https`, or plain `http` on this machine alone. No user-info and no fragment.
pub fn may_ask(url: &Url) -> bool {
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && local);
    scheme && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        let may = |text: &str| may_ask(&Url::parse(text).unwrap());
        for good in ["https://id.example/a?b=c", "http://127.0.0.1:81/", "http://localhost/", "http://[::1]:9/"] {
            assert!(may(good), "{good}");
        }
        for bad in
            ["http://id.example/", "ftp://localhost/", "https://a:b@id.example/", "http://10.0.0.1/", "https://a/#b"]
        {
            assert!(!may(bad), "{bad}");
        }
    }
}
