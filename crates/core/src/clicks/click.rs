//! The click, as it is counted.

use std::fmt::{self, Debug};

use jiff::Timestamp;

use super::Hit;
use crate::ids::{LinkId, WorkspaceId};

/// Names a click: the spool segment that it was written to, and its place there.
///
/// It is not drawn but *is* where the click stands, so reading a segment again after a crash gives the same ids, and
/// the store counts each click once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClickId(u128);

impl ClickId {
    /// The click at `offset` (below 2^40) of the segment that was opened at `opened` and drew `nonce` then.
    pub fn new(opened: Timestamp, nonce: u64, offset: u64) -> Self {
        let millis = u128::try_from(opened.as_millisecond()).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
        Self(millis << 80 | u128::from(nonce & 0xFF_FFFF_FFFF) << 40 | u128::from(offset & 0xFF_FFFF_FFFF))
    }

    /// The bytes for a store: 16, in the order of segments and offsets.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The click id that a store kept as these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for ClickId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// One follow of a link.
#[derive(Clone, Debug, PartialEq)]
pub struct Click {
    /// Its id.
    pub id: ClickId,
    /// The link that was followed.
    pub link: LinkId,
    /// The link's workspace.
    pub workspace: WorkspaceId,
    /// When.
    pub at: Timestamp,
    /// How it counts.
    pub class: Class,
    /// Who came.
    pub visitor: Visitor,
}

/// How a click counts. Every click is one of these, and all of them together are what was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A person, as far as one can tell.
    Human,
    /// A program that says so, or is known.
    Bot,
    /// The same visitor at the same link, again within a short time.
    Duplicate,
}

/// What is known of a visitor. Neither the address nor the full user agent is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visitor {
    /// Whether the user agent is a program's.
    pub is_bot: bool,
    /// The country of the address, where a GeoIP file is configured.
    pub country: Option<Country>,
    /// The host that the visitor came from.
    pub referrer: Option<Box<str>>,
    /// The browser's family.
    pub browser: Option<Box<str>>,
    /// The operating system's family.
    pub os: Option<Box<str>>,
    /// The kind of device: `desktop`, `mobile`, `tablet`, `tv`, `other`.
    pub device: Option<Box<str>>,
}

/// A country by its two letters (ISO 3166-1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// Takes two capital letters; `None` for anything else.
    pub fn new(code: &str) -> Option<Self> {
        let code: [u8; 2] = code.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Says who is behind a hit, by its address, user agent and referrer.
///
/// Called by the drain, never on the redirect's path, so it may take its time; it must not fail.
pub trait Describe: Debug + Send + Sync {
    /// Who is behind `hit`.
    fn describe(&self, hit: &Hit) -> Visitor;
}
