//! What a redirect needs of a link.

use bytes::Bytes;
use jiff::Timestamp;

use super::{Link, RedirectStatus, ReferrerPolicy, Status};
use crate::ids::{LinkId, WorkspaceId};

/// What following needs to know of a link.
#[derive(Clone, Debug)]
pub struct Target {
    /// The link.
    pub link: LinkId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Where it leads, in the form that is sent.
    pub destination: Bytes,
    /// How it redirects.
    pub redirect_status: RedirectStatus,
    /// The `Referrer-Policy` of its redirects.
    pub referrer_policy: Option<ReferrerPolicy>,
    cache_seconds: Option<u32>,
    expires_at: Option<Timestamp>,
    is_disabled: bool,
    pub(super) is_limited: bool,
}

impl Target {
    pub(super) fn of(link: &Link) -> Self {
        Self {
            link: link.id,
            workspace: link.workspace,
            destination: link.destination.to_bytes(),
            redirect_status: link.redirect_status,
            referrer_policy: link.referrer_policy,
            cache_seconds: link.cache_seconds,
            expires_at: link.expires_at,
            is_disabled: link.disabled_at.is_some(),
            is_limited: link.max_clicks.is_some(),
        }
    }

    /// For how many seconds from `now` on caches may keep its redirect: not beyond its expiry, and not at all where each
    /// follow is to be decided.
    pub fn cacheable(&self, now: Timestamp) -> Option<u32> {
        let wanted = self.cache_seconds.filter(|_| !self.is_limited)?;
        let left = self.expires_at.map_or(i64::MAX, |at| at.duration_since(now).as_secs());
        Some(wanted.min(u32::try_from(left.max(0)).unwrap_or(u32::MAX))).filter(|seconds| *seconds > 0)
    }

    pub(super) fn closed(&self, now: Timestamp) -> Option<Status> {
        if self.is_disabled {
            Some(Status::Disabled)
        } else if self.expires_at.is_some_and(|at| at <= now) {
            Some(Status::Expired)
        } else {
            None
        }
    }
}
