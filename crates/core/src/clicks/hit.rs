//! What a redirect leaves behind: the raw facts, as little as one needs to count and describe the click later.

use std::net::IpAddr;

use bytes::Bytes;
use jiff::Timestamp;

use crate::ids::{LinkId, WorkspaceId};

/// A hit on its way into the spool: it borrows from the request, so that writing it copies once.
#[derive(Clone, Copy, Debug)]
pub struct HitRef<'a> {
    /// The link that was followed.
    pub link: LinkId,
    /// The link's workspace.
    pub workspace: WorkspaceId,
    /// When.
    pub at: Timestamp,
    /// Where from. Used to describe the visitor, then forgotten.
    pub address: IpAddr,
    /// The header `User-Agent`.
    pub user_agent: &'a [u8],
    /// The header `Referer`.
    pub referrer: &'a [u8],
}

/// A hit as it comes out of the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The link that was followed.
    pub link: LinkId,
    /// The link's workspace.
    pub workspace: WorkspaceId,
    /// When.
    pub at: Timestamp,
    /// Where from.
    pub address: IpAddr,
    /// The header `User-Agent`, cut at [`Hit::LONGEST_TEXT`].
    pub user_agent: Bytes,
    /// The header `Referer`, cut at [`Hit::LONGEST_TEXT`].
    pub referrer: Bytes,
}

impl Hit {
    /// How much of a header is kept: enough to tell every browser and host apart, and a bound for what a stranger can
    /// write to our disk.
    pub const LONGEST_TEXT: usize = 512;
}
