//! What is wrong with a configuration, where, and what would be right.

use std::fmt;

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    place: String,
    text: String,
}

impl Fault {
    /// A fault at `place`, say `gateway.routes[2].scope`. The text says what is wrong, then the cure.
    pub fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }

    /// Where it is.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What is wrong, and the cure.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

impl std::error::Error for Fault {}
