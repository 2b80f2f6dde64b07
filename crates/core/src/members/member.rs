//! Users and members.

use jiff::Timestamp;

use super::Role;
use crate::ids::{UserId, WorkspaceId};

/// A person, as an OpenID provider knows them. Issuer and subject are what they are told by, never an address, which may
/// pass to somebody else (OpenID Connect Core §5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id here.
    pub id: UserId,
    /// The provider, by its `iss`.
    pub issuer: String,
    /// Who they are to the provider, by `sub`.
    pub subject: String,
    /// What they are called, if the provider says.
    pub name: Option<String>,
    /// Their address, if the provider says so and has verified it. Shown to people, and decided by nowhere.
    pub email: Option<String>,
    /// When they were first heard of.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
}

/// A user in a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Who it is.
    pub user: User,
    /// What they may do there.
    pub role: Role,
    /// Since when they are a member.
    pub since: Timestamp,
}
