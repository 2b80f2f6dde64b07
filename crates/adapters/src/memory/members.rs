//! Users and members in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::ids::{UserId, WorkspaceId};
use waypost_core::members::{Member, MemberStore, Role, RoleSet, User};
use waypost_core::{Error, Kind, Result};

use super::MemoryStore;

#[derive(Debug, Default)]
pub(super) struct Members {
    users: HashMap<UserId, User>,
    roles: HashMap<(WorkspaceId, UserId), (Role, Timestamp)>,
}

impl Members {
    fn member(&self, workspace: WorkspaceId, user: UserId) -> Option<Member> {
        let (role, since) = *self.roles.get(&(workspace, user))?;
        Some(Member { workspace, user: self.users.get(&user)?.clone(), role, since })
    }

    fn sorted(&self, is_wanted: impl Fn(WorkspaceId, UserId) -> bool) -> Vec<Member> {
        let wanted = self.roles.keys().filter(|(workspace, user)| is_wanted(*workspace, *user));
        let mut members: Vec<_> = wanted.filter_map(|(workspace, user)| self.member(*workspace, *user)).collect();
        members.sort_by_key(|member| (member.since, member.workspace, member.user.id));
        members
    }

    fn is_last_owner(&self, workspace: WorkspaceId, user: UserId) -> bool {
        let is_owner = |key: &(WorkspaceId, UserId)| self.roles.get(key).is_some_and(|(role, _)| *role == Role::Owner);
        is_owner(&(workspace, user))
            && !self.roles.keys().any(|key| key.0 == workspace && key.1 != user && is_owner(key))
    }
}

#[async_trait]
impl MemberStore for MemoryStore {
    async fn user(&self, proposed: &User) -> Result<User> {
        let mut state = self.begin()?;
        let same = |user: &&mut User| user.issuer == proposed.issuer && user.subject == proposed.subject;
        if let Some(user) = state.members.users.values_mut().find(same) {
            if proposed.signed_in_at.is_some() {
                user.name = proposed.name.clone().or(user.name.take());
                user.email = proposed.email.clone().or(user.email.take());
                user.signed_in_at = user.signed_in_at.max(proposed.signed_in_at);
            }
            return Ok(user.clone());
        }
        if state.members.users.contains_key(&proposed.id) {
            return Err(Error::new(Kind::Conflict, "The id is another user's"));
        }
        state.members.users.insert(proposed.id, proposed.clone());
        Ok(proposed.clone())
    }

    async fn member(&self, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>> {
        Ok(self.begin()?.members.member(workspace, user))
    }

    async fn members(&self, workspace: WorkspaceId) -> Result<Vec<Member>> {
        Ok(self.begin()?.members.sorted(|own, _| own == workspace))
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<Member>> {
        Ok(self.begin()?.members.sorted(|_, own| own == user))
    }

    async fn set_role(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        role: Option<Role>,
        now: Timestamp,
    ) -> Result<RoleSet> {
        let mut state = self.begin()?;
        let members = &mut state.members;
        if role != Some(Role::Owner) && members.is_last_owner(workspace, user) {
            return Ok(RoleSet::LastOwner);
        }
        let before = members.member(workspace, user);
        let Some(role) = role else {
            members.roles.remove(&(workspace, user));
            return Ok(before.map_or(RoleSet::Unknown, RoleSet::Done));
        };
        if !members.users.contains_key(&user) {
            return Ok(RoleSet::Unknown);
        }
        let since = before.map_or(now, |member| member.since);
        members.roles.insert((workspace, user), (role, since));
        Ok(members.member(workspace, user).map_or(RoleSet::Unknown, RoleSet::Done))
    }
}
