//! Roles: what a member may do.

use std::fmt;

use crate::credentials::{Scope, Scopes};

/// What a member may do in a workspace, from the most to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Everything, other owners included. A workspace that had one keeps one.
    Owner,
    /// Everything but `owners:write`: to make, change or remove owners, and to hand out `*`, which would.
    Admin,
    /// Links, webhooks, and what is counted; no credentials and no members.
    Editor,
    /// Reads what an editor may write.
    Viewer,
}

/// There is no role of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of owner, admin, editor, viewer")]
pub struct UnknownRole;

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Editor, Self::Viewer];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// [`UnknownRole`] lists the roles that there are.
    pub fn parse(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or(UnknownRole)
    }

    /// The scopes that the role comes to. A scope of a later version is an owner's and an admin's until it is listed.
    pub fn scopes(self) -> Scopes {
        use Scope::{AnalyticsRead, EventsRead, LinksRead, LinksWrite, WebhooksRead, WebhooksWrite};
        match self {
            Self::Owner => Scopes::ALL,
            Self::Admin => Scopes::ALL.without(Scope::OwnersWrite),
            Self::Editor => {
                Scopes::from_iter([LinksRead, LinksWrite, AnalyticsRead, EventsRead, WebhooksRead, WebhooksWrite])
            }
            Self::Viewer => Scopes::from_iter([LinksRead, AnalyticsRead, EventsRead, WebhooksRead]),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_next_one_may() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[1].scopes().is_subset(pair[0].scopes()), "{pair:?}");
        }
        assert!(!Role::Viewer.scopes().contains(Scope::LinksWrite));
        assert!(!Role::Editor.scopes().contains(Scope::KeysWrite));
        assert!(Role::Admin.scopes().contains(Scope::MembersWrite));
        assert!(!Role::Admin.scopes().contains(Scope::OwnersWrite) && Role::Owner.scopes() == Scopes::ALL);
    }
}
