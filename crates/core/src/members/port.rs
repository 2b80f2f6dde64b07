//! The port that keeps users and members.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Member, Role, User};
use crate::error::Result;
use crate::ids::{UserId, WorkspaceId};

/// Keeps users, and the roles that they have in workspaces.
///
/// # Contract
/// 1. *One user an identity.* Issuer and subject belong to one user at most, compared byte for byte; whoever proposes
///    another is given the one that is there.
/// 2. *What is known stays.* Only a proposal that has a sign-in changes the user who is there: name and address where
///    it has them, and nothing where it has none; a sign-in never goes back. Who merely names somebody changes nothing.
/// 3. *One role.* A user has one role in a workspace at most; the last that was set is the role, and `since` is when they
///    became a member.
/// 4. *An owner remains.* A change that would leave a workspace that has an owner without one is refused, and changes
///    nothing, however many are made at once.
/// 5. *Walled.* What is set in one workspace is not seen in another.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away; [`Conflict`](crate::Kind::Conflict) for a proposal
/// whose id is that of another user, of which nothing is kept.
#[async_trait]
pub trait MemberStore: Debug + Send + Sync {
    /// The user of this issuer and subject, made as `proposed` if there is none.
    async fn user(&self, proposed: &User) -> Result<User>;

    /// A member, by who they are.
    async fn member(&self, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>>;

    /// The members of a workspace, those first who are members longest.
    async fn members(&self, workspace: WorkspaceId) -> Result<Vec<Member>>;

    /// What a user is a member of, the longest first.
    async fn memberships(&self, user: UserId) -> Result<Vec<Member>>;

    /// Gives a user a role, or takes it away.
    async fn set_role(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        role: Option<Role>,
        now: Timestamp,
    ) -> Result<RoleSet>;
}

/// What became of a change of role.
#[allow(clippy::large_enum_variant, reason = "one is made a change of role, and given on at once")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleSet {
    /// It holds: this is the member now, or was, if the role was taken away.
    Done(Member),
    /// There is no such user, or, where a role was to be taken away, no such member.
    Unknown,
    /// It would leave the workspace without an owner.
    LastOwner,
}
