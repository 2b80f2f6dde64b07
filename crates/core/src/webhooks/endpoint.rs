//! Webhook endpoints.

use jiff::Timestamp;
use url::Url;

use crate::ids::{WebhookId, WorkspaceId};

/// Where a partner wants to be told of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookId,
    /// The workspace whose events it gets.
    pub workspace: WorkspaceId,
    /// Where to.
    pub target: Target,
    /// The events that it gets; at most 64.
    pub events: Vec<EventPattern>,
    /// What its owner says of it.
    pub description: Option<String>,
    /// Whether it gets any.
    pub is_enabled: bool,
    /// The secret that deliveries are signed with, sealed.
    pub secret: Vec<u8>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// The address of an endpoint: absolute `https`, without user and fragment, at most 2,048 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(String);

/// Why an address is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// It is no absolute URL, or too long, or has characters that no URL has.
    #[error("must be an absolute URL of at most 2,048 ASCII characters")]
    Form,
    /// The scheme is another.
    #[error("scheme must be https")]
    Scheme,
    /// A name or password stands in it.
    #[error("must not hold a user or a password")]
    User,
    /// A fragment stands in it.
    #[error("must not have a fragment")]
    Fragment,
}

impl Target {
    /// Reads an address. `http` only where the operator allows it.
    ///
    /// Whether the host is one that may be called is asked when it is called, by its addresses then.
    ///
    /// # Errors
    /// [`InvalidTarget`] names what is wrong.
    pub fn parse(text: &str, allow_http: bool) -> Result<Self, InvalidTarget> {
        if text.len() > 2_048 || !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('\\') {
            return Err(InvalidTarget::Form);
        }
        let url = Url::parse(text).map_err(|_| InvalidTarget::Form)?;
        match url.scheme() {
            "https" => {}
            "http" if allow_http => {}
            _ => return Err(InvalidTarget::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidTarget::User);
        }
        if url.fragment().is_some() {
            return Err(InvalidTarget::Fragment);
        }
        Ok(Self(url.into()))
    }

    /// The address a store kept, which was read once.
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which events: a type as `link.created`, all of a kind as `link.*`, or `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPattern(String);

/// The text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a type of event as link.created, a kind as link.*, or *")]
pub struct InvalidEventPattern;

impl EventPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`InvalidEventPattern`] tells the form.
    pub fn parse(text: &str) -> Result<Self, InvalidEventPattern> {
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'0'..=b'9'))
        };
        let fits = text.len() <= 128
            && match text.rsplit_once('.') {
                None => text == "*",
                Some((kind, last)) => kind.split('.').all(word) && (last == "*" || word(last)),
            };
        fits.then(|| Self(text.to_owned())).ok_or(InvalidEventPattern)
    }

    /// Whether an event of this type is meant.
    pub fn matches(&self, event: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(kind) => event.starts_with(kind),
            None => self.0 == event,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_a_type_a_kind_or_all() {
        let matches = |pattern: &str, event| EventPattern::parse(pattern).unwrap().matches(event);
        assert!(matches("link.created", "link.created") && !matches("link.created", "link.updated"));
        assert!(matches("link.*", "link.deleted") && !matches("link.*", "links.deleted"));
        assert!(matches("*", "webhook.disabled"));
        for text in ["", "link", "link.", ".created", "Link.created", "li*k.created", "**", "link.**", "link created"] {
            assert!(EventPattern::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_target_is_https_unless_the_operator_says_otherwise() {
        assert_eq!(Target::parse("https://a.example/hook?x=1", false).unwrap().as_str(), "https://a.example/hook?x=1");
        assert_eq!(Target::parse("http://a.example/", false), Err(InvalidTarget::Scheme));
        assert!(Target::parse("http://a.example/", true).is_ok());
        assert_eq!(Target::parse("https://u@a.example/", true), Err(InvalidTarget::User));
        assert_eq!(Target::parse("https://a.example/#f", true), Err(InvalidTarget::Fragment));
        for text in ["", "a.example", "https://a.example/ x", "https://\u{e4}.example", "https://a.example\\b"] {
            assert_eq!(Target::parse(text, true), Err(InvalidTarget::Form), "{text:?}");
        }
    }
}
