//! Who is a member, and what they may.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::believed::Believed;
use super::{BELIEVED, Cached, REMEMBERED, Remembered};
use crate::clock::Clock;
use crate::error::Result;
use crate::ids::{UserId, WorkspaceId};
use crate::members::{Member, MemberStore, Role, RoleSet, User};

/// Members, and those who are none.
#[derive(Debug)]
pub struct Members {
    known: Believed<(WorkspaceId, UserId), Option<Member>>,
}

impl Remembered for dyn MemberStore + '_ {
    type Memory = Members;

    fn blank(clock: &Arc<dyn Clock>) -> Members {
        Members { known: Believed::new(clock, BELIEVED, REMEMBERED) }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MemberStore for Cached<dyn MemberStore> {
    /// Who signs in is a member of workspaces that are not told here. So all are looked up anew, once each, which is
    /// little beside a sign-in.
    async fn user(&self, proposed: &User) -> Result<User> {
        let user = self.inner.user(proposed).await;
        self.memory.known.doubt_all();
        user
    }

    async fn member(&self, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>> {
        let look = async { self.inner.member(workspace, user).await };
        self.memory.known.look_up(&(workspace, user), |_| true, look).await
    }

    async fn members(&self, workspace: WorkspaceId) -> Result<Vec<Member>> {
        self.inner.members(workspace).await
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<Member>> {
        self.inner.memberships(user).await
    }

    async fn set_role(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        role: Option<Role>,
        now: Timestamp,
    ) -> Result<RoleSet> {
        let set = self.inner.set_role(workspace, user, role, now).await;
        // One whose outcome is not known may have been made.
        self.memory.known.forget(&(workspace, user));
        set
    }
}
