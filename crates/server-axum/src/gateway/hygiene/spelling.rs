//! Names in every spelling.

use std::borrow::Cow;
use std::collections::HashSet;

/// Folded names, and beginnings of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns {
    whole: HashSet<Box<str>>,
    begins: Vec<Box<str>>,
}

impl Patterns {
    /// Adds names; `*` at the end stands for any rest.
    pub(super) fn add<T: AsRef<str>>(&mut self, patterns: impl IntoIterator<Item = T>) {
        for pattern in patterns {
            match pattern.as_ref().strip_suffix('*') {
                Some(start) => self.begins.push(format!("{}-", fold(start)).into()),
                None => {
                    self.whole.insert(fold(pattern.as_ref()).into());
                }
            }
        }
    }

    /// Whether a folded name is one of them.
    pub(super) fn has(&self, folded: &str) -> bool {
        self.whole.contains(folded) || self.begins.iter().any(|start| folded.starts_with(&**start))
    }
}

/// A name as the laxest reader would take it. Names of HTTP are in lower case already, most of them folded too, and
/// those cost one pass.
pub(super) fn fold(name: &str) -> Cow<'_, str> {
    let bytes = name.as_bytes();
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_folded = |(at, b): (usize, &u8)| {
        is_plain(*b) || (*b == b'-' && at > 0 && bytes.get(at + 1).is_some_and(|next| is_plain(*next)))
    };
    if bytes.iter().enumerate().all(is_folded) {
        return Cow::Borrowed(name);
    }
    let mut folded = String::with_capacity(name.len());
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        if !folded.is_empty() {
            folded.push('-');
        }
        folded.extend(part.chars().map(|c| c.to_ascii_lowercase()));
    }
    Cow::Owned(folded)
}
