//! Which events an endpoint gets, by their type.

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
}
