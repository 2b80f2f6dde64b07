//! Where deliveries go.

use url::Url;

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
    /// Whether the host is one that may be called is the transport's word: of the address as it is written at once, and of what
    /// a name resolves to when it is called.
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

#[cfg(test)]
mod tests {
    use super::*;

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
