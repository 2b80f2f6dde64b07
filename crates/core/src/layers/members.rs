//! The member store, inside a layer.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Call, Layer, Layered, Repeat};
use crate::error::Result;
use crate::ids::{UserId, WorkspaceId};
use crate::members::{Member, MemberStore, Role, RoleSet, User};

const fn call(name: &'static str, repeat: Repeat) -> Call {
    Call { port: "members", name, repeat }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> MemberStore for Layered<dyn MemberStore, L> {
    // An identity is one user, whoever proposes it again.
    async fn user(&self, proposed: &User) -> Result<User> {
        self.layer.around(call("user", Repeat::Safe), || self.inner.user(proposed)).await
    }

    async fn member(&self, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>> {
        self.layer.around(call("member", Repeat::Safe), || self.inner.member(workspace, user)).await
    }

    async fn members(&self, workspace: WorkspaceId) -> Result<Vec<Member>> {
        self.layer.around(call("members", Repeat::Safe), || self.inner.members(workspace)).await
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<Member>> {
        self.layer.around(call("memberships", Repeat::Safe), || self.inner.memberships(user)).await
    }

    // Once taken away, a role answers that there was none; and one that was given would be given back to somebody who
    // was removed in between.
    async fn set_role(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        role: Option<Role>,
        now: Timestamp,
    ) -> Result<RoleSet> {
        let made = || self.inner.set_role(workspace, user, role, now);
        self.layer.around(call("set_role", Repeat::Never), made).await
    }
}
