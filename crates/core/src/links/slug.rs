//! Slugs: the part of a short link after the domain.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::entropy::Entropy;

/// The first segments of the server's own paths. No slug may begin with one of them, in any case.
pub const RESERVED: &[&str] = &[
    ".well-known",
    "assets",
    "auth",
    "docs",
    "favicon.ico",
    "graphql",
    "livez",
    "metrics",
    "oauth",
    "openapi.json",
    "readyz",
    "robots.txt",
    "v1",
];

/// Base 58: digits and letters without the look-alikes `0 O I l`.
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// 58^7 is 2.2 million million: at ten million links, one draw in 220,000 meets a clash and is drawn again.
const RANDOM: usize = 7;
const LONGEST: usize = 128;

/// Why a text is not a slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSlug {
    /// Nothing there.
    #[error("must not be empty")]
    Empty,
    /// More than 128 characters.
    #[error("must be at most {LONGEST} characters")]
    TooLong,
    /// A character that is no letter, digit, `-`, `.`, `_`, `~`, `+` or `/`.
    #[error("has the character {0:?}; letters, digits, and - . _ ~ + / are allowed")]
    Character(char),
    /// A `/` at an end, two in a row, or a segment of dots that browsers resolve away.
    #[error("must not begin or end with /, nor have an empty, `.` or `..` segment")]
    Segment,
    /// The server's own path.
    #[error("is a path that the server needs for itself")]
    Reserved,
}

/// A slug: 1 to 128 characters in NFC, case-sensitive.
///
/// ```
/// use waypost_core::links::Slug;
///
/// assert_eq!(Slug::parse("libstdc++6")?.as_str(), "libstdc++6");
/// assert!(Slug::parse("docs/intro").is_err(), "the server's own path");
/// # Ok::<(), waypost_core::links::InvalidSlug>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(Box<str>);

impl Slug {
    /// Reads a slug, bringing it into NFC: one look, one slug.
    ///
    /// # Errors
    /// [`InvalidSlug`] names the rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        // The plain case costs one pass and no table: most slugs of the world are ASCII, and this is the redirect's path.
        let slug: Box<str> = if text.is_ascii() { text.into() } else { text.nfc().collect() };
        match slug.chars().count() {
            0 => return Err(InvalidSlug::Empty),
            length if length > LONGEST => return Err(InvalidSlug::TooLong),
            _ => {}
        }
        if let Some(stranger) = slug.chars().find(|c| !is_allowed(*c)) {
            return Err(InvalidSlug::Character(stranger));
        }
        if slug.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(InvalidSlug::Segment);
        }
        let first = slug.split('/').next().unwrap_or_default();
        if RESERVED.iter().any(|own| own.eq_ignore_ascii_case(first)) {
            return Err(InvalidSlug::Reserved);
        }
        Ok(Self(slug))
    }

    /// Draws a random slug of 7 characters. Two draws may clash: the store decides.
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut slug = String::with_capacity(RANDOM);
        let mut bytes = [0; 2 * RANDOM];
        while slug.len() < RANDOM {
            entropy.fill(&mut bytes);
            // Six bits a draw, of which 58 of 64 values count: no character is likelier than another.
            let drawn = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
            slug.extend(drawn.map(|byte| char::from(*byte)).take(RANDOM - slug.len()));
        }
        Self(slug.into())
    }

    /// The slug that a store kept. It was parsed when it came in, under the rules of its day.
    pub fn trusted(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '+' | '/') || is_combining_mark(c)
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn package_names_and_scripts_are_slugs() {
        for text in
            ["g++", "libstdc++6", "0ad", "a", "launch/2026", "straße", "日本語", "हिन्दी", "~me", &"x".repeat(128)]
        {
            assert_eq!(Slug::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn each_refusal_names_its_rule() {
        for (text, fault) in [
            ("", InvalidSlug::Empty),
            (&"x".repeat(129), InvalidSlug::TooLong),
            ("a b", InvalidSlug::Character(' ')),
            ("a\r\nb", InvalidSlug::Character('\r')),
            ("a%2fb", InvalidSlug::Character('%')),
            ("a?b", InvalidSlug::Character('?')),
            ("/a", InvalidSlug::Segment),
            ("a//b", InvalidSlug::Segment),
            ("..", InvalidSlug::Segment),
            ("a/./b", InvalidSlug::Segment),
            ("v1", InvalidSlug::Reserved),
            ("V1/links", InvalidSlug::Reserved),
        ] {
            assert_eq!(Slug::parse(text), Err(fault), "{text:.20}");
        }
    }

    #[test]
    fn two_spellings_of_one_look_are_one_slug() {
        assert_eq!(Slug::parse("cafe\u{301}"), Slug::parse("caf\u{e9}"));
    }

    #[test]
    fn random_slugs_have_no_look_alikes() {
        let entropy = SeededEntropy::new(3);
        for _ in 0..1_000 {
            let slug = Slug::random(&entropy);
            assert_eq!(slug.as_str().len(), RANDOM);
            assert!(!slug.as_str().contains(['0', 'O', 'I', 'l']));
            assert_eq!(Slug::parse(slug.as_str()), Ok(slug));
        }
    }
}
