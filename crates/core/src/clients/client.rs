//! OAuth clients as they are kept.

use jiff::Timestamp;

use crate::credentials::{Actor, PlanName, Principal, Scopes, SecretHash};
use crate::ids::{ClientId, WorkspaceId};

/// An OAuth client.
///
/// With a secret or keys of its own it is confidential, and gets tokens for itself (RFC 6749 §4.4). With neither it is
/// public, and only asks in the name of people, with PKCE (RFC 7636).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id, the `client_id`.
    pub id: ClientId,
    /// The workspace that it acts in.
    pub workspace: WorkspaceId,
    /// What its owner calls it.
    pub name: String,
    /// The most that its tokens may do.
    pub scopes: Scopes,
    /// The plan that it is limited by; the common one if none is named.
    pub plan: Option<PlanName>,
    /// Its live secrets and those that end soon, the newest first; at most [`Client::SECRETS`].
    pub secrets: Vec<ClientSecret>,
    /// Its public keys for `private_key_jwt` (RFC 7523), as a JWK set (RFC 7517 §5); at most 16 KiB.
    pub jwks: Option<String>,
    /// Where people may be sent back to, compared byte for byte (RFC 9700 §2.1).
    pub redirect_uris: Vec<RedirectUri>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was revoked: from then on none of its tokens is good.
    pub revoked_at: Option<Timestamp>,
    /// Counts its changes, from 1.
    pub version: u64,
}

impl Client {
    /// Secrets at a time: one that is used, one that takes over, and one in reserve for a rotation that went wrong.
    pub const SECRETS: usize = 3;

    /// The client, for itself.
    pub fn principal(&self) -> Principal {
        Principal {
            workspace: self.workspace,
            actor: Actor::Client(self.id),
            scopes: self.scopes,
            plan: self.plan.clone(),
            traceparent: None,
        }
    }

    /// Whether it can prove who it is.
    pub fn is_confidential(&self) -> bool {
        !self.secrets.is_empty() || self.jwks.is_some()
    }
}

/// A secret of a client, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    /// The hash of its text.
    pub hash: SecretHash,
    /// The last four characters of its text, to tell secrets apart by.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is void.
    pub expires_at: Option<Timestamp>,
}

/// Where people may be sent back to: absolute `https`, or `http` on loopback for programs on the person's own machine,
/// without a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

/// The text is no redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an absolute https URI, or http on 127.0.0.1, [::1] or localhost, of at most 2,048 bytes, without a fragment"
)]
pub struct InvalidRedirectUri;

impl RedirectUri {
    /// Reads one.
    ///
    /// # Errors
    /// [`InvalidRedirectUri`] tells the form.
    pub fn parse(text: &str) -> Result<Self, InvalidRedirectUri> {
        let plain =
            text.len() <= 2_048 && text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['#', '\\']);
        let url = url::Url::parse(text).ok().filter(|_| plain).ok_or(InvalidRedirectUri)?;
        let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        let is_bare = url.username().is_empty() && url.password().is_none();
        match url.scheme() {
            "https" if is_bare => Ok(Self(text.to_owned())),
            "http" if is_bare && is_loopback => Ok(Self(text.to_owned())),
            _ => Err(InvalidRedirectUri),
        }
    }

    /// Whether a person may be sent to `given` where this is registered: the same, byte for byte; but a program on the
    /// person's own machine may listen on whatever port it was given (RFC 8252 §7.3).
    pub fn admits(&self, given: &Self) -> bool {
        self == given
            || ["http://127.0.0.1", "http://[::1]"].iter().any(|loopback| {
                let rest = |uri: &Self| uri.0.strip_prefix(loopback).map(without_port).map(str::to_owned);
                rest(self).is_some_and(|own| rest(given) == Some(own))
            })
    }

    /// The text, as it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What follows a host, without its port.
fn without_port(rest: &str) -> &str {
    rest.strip_prefix(':').map_or(rest, |port| port.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_address_may_change_its_port() {
        let admits = |own, given| RedirectUri::parse(own).unwrap().admits(&RedirectUri::parse(given).unwrap());
        assert!(admits("https://app.example/back", "https://app.example/back"));
        assert!(admits("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"));
        assert!(admits("http://[::1]:1/cb", "http://[::1]:2/cb"));
        for (own, given) in [
            ("https://app.example/back", "https://app.example:444/back"),
            ("https://app.example/back", "https://app.example/back/"),
            ("https://app.example/back", "https://app.example/back?x=1"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:9/other"),
            ("http://127.0.0.1/cb", "http://[::1]/cb"),
            ("http://localhost/cb", "http://localhost:9/cb"),
        ] {
            assert!(!admits(own, given), "{own} {given}");
        }
    }

    #[test]
    fn people_are_sent_back_over_tls_or_to_their_own_machine() {
        for text in ["https://app.example/back", "http://127.0.0.1:8123/cb", "http://[::1]/cb", "https://a.example?x=1"]
        {
            assert_eq!(RedirectUri::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "http://app.example/",
            "https://a.example/#x",
            "javascript:alert(1)",
            "/back",
            "https://u:p@a.example/",
            "https://a.example\\@b",
        ] {
            assert!(RedirectUri::parse(text).is_err(), "{text}");
        }
    }
}
