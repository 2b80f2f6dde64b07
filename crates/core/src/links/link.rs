//! The link and the values that it is made of.

use std::fmt;
use std::num::NonZeroU64;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Destination, Domain, Slug};
use crate::ids::{LinkId, WorkspaceId};

/// A short link.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// The workspace that it belongs to.
    pub workspace: WorkspaceId,
    /// The domain that it is followed under.
    pub domain: Domain,
    /// Unique within the domain.
    pub slug: Slug,
    /// Where it leads.
    pub destination: Destination,
    /// What its owner calls it.
    pub title: Option<Title>,
    /// Labels to find it by.
    pub tags: Tags,
    /// How it redirects.
    pub redirect_status: RedirectStatus,
    /// The `Referrer-Policy` that its redirects carry.
    pub referrer_policy: Option<ReferrerPolicy>,
    /// For how many seconds caches may keep its redirect. Nobody counts what a cache answers, so the default is none.
    pub cache_seconds: Option<u32>,
    /// From when on it is gone.
    pub expires_at: Option<Timestamp>,
    /// Since when it has been switched off.
    pub disabled_at: Option<Timestamp>,
    /// How many follows it allows in all.
    pub max_clicks: Option<NonZeroU64>,
    /// How many follows of a limited link were let through. Kept by the store; a write does not change it.
    pub admitted: u64,
    /// How many clicks were counted, from the roll-ups. Kept by the store; a write does not change it.
    pub clicks: u64,
    /// The owner's own data.
    pub metadata: Metadata,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited. Clicks are not edits.
    pub updated_at: Timestamp,
    /// Grows by one with each edit.
    pub version: Version,
}

impl Link {
    /// Whether it can be followed at `now`, and if not, why.
    pub fn status(&self, now: Timestamp) -> Status {
        if self.disabled_at.is_some() {
            Status::Disabled
        } else if self.expires_at.is_some_and(|at| at <= now) {
            Status::Expired
        } else if self.max_clicks.is_some_and(|max| self.admitted >= max.get()) {
            Status::UsedUp
        } else {
            Status::Active
        }
    }
}

/// Whether a link can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It redirects.
    Active,
    /// Its owner switched it off.
    Disabled,
    /// Its time is over.
    Expired,
    /// Its last click is spent.
    UsedUp,
}

impl Status {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::UsedUp => "used_up",
        }
    }
}

/// Which edit of a row this is, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// The version of a row that was just made.
    pub const FIRST: Self = Self(1);

    /// The version after one more edit.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The status code of a redirect: 301, 302, 303, 307 or 308.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedirectStatus(u16);

impl RedirectStatus {
    /// 302: nobody caches it, so each follow is counted and the destination can change.
    pub const FOUND: Self = Self(302);

    /// The codes that are allowed.
    pub const ALLOWED: [u16; 5] = [301, 302, 303, 307, 308];

    /// Takes a status code; `None` for one that does not redirect.
    pub fn new(code: u64) -> Option<Self> {
        Self::ALLOWED.into_iter().find(|allowed| u64::from(*allowed) == code).map(Self)
    }

    /// The status code.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// A value of the header `Referrer-Policy` (W3C Referrer Policy §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferrerPolicy(&'static str);

impl ReferrerPolicy {
    /// The policies there are.
    pub const ALLOWED: [&'static str; 8] = [
        "no-referrer",
        "no-referrer-when-downgrade",
        "origin",
        "origin-when-cross-origin",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    ];

    /// Takes a policy by its name; `None` for any other text.
    pub fn new(name: &str) -> Option<Self> {
        Self::ALLOWED.into_iter().find(|allowed| *allowed == name).map(Self)
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

/// Why a text is not a title or a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {longest} characters, without control characters or spaces around it")]
pub struct InvalidLabel {
    longest: usize,
}

fn label(text: &str, longest: usize) -> Result<Box<str>, InvalidLabel> {
    let fits = (1..=longest).contains(&text.chars().count());
    if !fits || text.trim() != text || text.chars().any(char::is_control) {
        return Err(InvalidLabel { longest });
    }
    Ok(text.into())
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident: $longest:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Reads it from a text.
            ///
            /// # Errors
            /// [`InvalidLabel`] names the rule.
            pub fn parse(text: &str) -> Result<Self, InvalidLabel> {
                label(text, $longest).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    )*};
}

labels! {
    /// What an owner calls a link: at most 256 characters.
    Title: 256;
    /// A label to find links by: at most 64 characters (§12).
    Tag: 64;
}

/// Up to 64 different tags, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// The most tags of one link (§12).
    pub const MOST: usize = 64;

    /// Keeps each tag once; `None` if there are more than 64.
    pub fn new(tags: impl IntoIterator<Item = Tag>) -> Option<Self> {
        let mut kept = Vec::new();
        for tag in tags {
            if !kept.contains(&tag) {
                kept.push(tag);
            }
        }
        (kept.len() <= Self::MOST).then_some(Self(kept))
    }

    /// The tags.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }
}

/// The owner's own data: at most 50 keys of 64 characters, 16 KiB as JSON (§12).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    const KEYS: usize = 50;
    const KEY: usize = 64;
    const BYTES: usize = 16 * 1_024;

    /// Takes an object.
    ///
    /// # Errors
    /// The bound that it breaks.
    pub fn new(object: Map<String, Value>) -> Result<Self, String> {
        if object.len() > Self::KEYS {
            return Err(format!("must have at most {} keys", Self::KEYS));
        }
        if object.keys().any(|key| key.is_empty() || key.chars().count() > Self::KEY) {
            return Err(format!("must have keys of 1 to {} characters", Self::KEY));
        }
        let metadata = Self(object);
        if metadata.to_json().len() > Self::BYTES {
            return Err("must be at most 16 KiB as JSON".to_owned());
        }
        Ok(metadata)
    }

    /// The metadata that a store kept as JSON.
    pub fn trusted(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }

    /// The object.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The object as JSON text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_else(|_| "{}".to_owned())
    }

    /// Merges `patch` into it (RFC 7396 §2).
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn merged(&self, patch: Map<String, Value>) -> Result<Self, String> {
        let mut target = Value::Object(self.0.clone());
        merge_patch(&mut target, Value::Object(patch));
        match target {
            Value::Object(object) => Self::new(object),
            _ => Ok(Self::default()),
        }
    }
}

/// `MergePatch` of RFC 7396 §2, word for word. Its depth is that of the patch, which the parser bounds.
fn merge_patch(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            merge_patch(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_patch_does_what_rfc_7396_appendix_a_lists() {
        for (original, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let Value::Object(patch) = serde_json::from_str(patch).unwrap() else { panic!("{patch}") };
            assert_eq!(Metadata::trusted(original).merged(patch), Ok(Metadata::trusted(result)), "{original}");
        }
    }

    #[test]
    fn metadata_is_bounded() {
        let many = (0..51).map(|n| (n.to_string(), Value::Null)).collect();
        let large = [("k".to_owned(), Value::String("x".repeat(16 * 1_024)))].into_iter().collect();
        let long_key = [("k".repeat(65), Value::Null)].into_iter().collect();
        for object in [many, large, long_key] {
            assert!(Metadata::new(object).is_err());
        }
    }
}
