//! The names of keys and channels.

use std::sync::Arc;

use super::error::Fault;

/// The longest prefix: it stands in every key.
const LONGEST: usize = 64;

/// Names keys. All begin with the same hash tag, so that a script may touch several of them, even in a cluster.
#[derive(Clone, Debug)]
pub(super) struct Keys(Arc<str>);

impl Keys {
    /// Keys that begin with `prefix`.
    pub(super) fn new(prefix: &str) -> Result<Self, Fault> {
        let fits = !prefix.is_empty() && prefix.len() <= LONGEST && !prefix.contains(['{', '}']);
        if fits { Ok(Self(format!("{{{prefix}}}").into())) } else { Err(Fault::Prefix) }
    }

    /// The key, or the channel, of this name.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{}:{name}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_carries_the_same_hash_tag() {
        let keys = Keys::new("links").expect("a good prefix");
        assert_eq!(keys.named("events:log"), "{links}:events:log");
        for prefix in ["", "a}b", "{", &"x".repeat(65)] {
            assert!(matches!(Keys::new(prefix), Err(Fault::Prefix)), "{prefix}");
        }
    }
}
