//! The people of a workspace.

use std::sync::Arc;

use super::{Member, MemberStore, Role, RoleSet, User};
use crate::clock::Clock;
use crate::credentials::{Actor, Principal, Scope};
use crate::entropy::Entropy;
use crate::error::{Error, Issue, Kind, Result};
use crate::fields::Fields;
use crate::grants::{Ending, GrantStore};
use crate::ids::{UserId, WorkspaceId};

/// The longest issuer and subject, in bytes. OpenID Connect Core §2 allows a subject 255.
const LONGEST: usize = 1_024;

/// Who is to become a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMember {
    /// The provider that vouches for them, by its `iss`.
    pub issuer: String,
    /// Who they are to it, by `sub`.
    pub subject: String,
    /// What they may do.
    pub role: Role,
}

impl NewMember {
    /// Reads `{"issuer", "subject", "role"}`.
    ///
    /// # Errors
    /// [`Invalid`](Kind::Invalid) with every fault.
    pub fn read(mut fields: Fields) -> Result<Self> {
        let issuer = Self::identity(&mut fields, "issuer");
        let subject = Self::identity(&mut fields, "subject");
        let role = Self::role(&mut fields);
        fields.finish()?;
        match (issuer, subject, role) {
            (Some(issuer), Some(subject), Some(role)) => Ok(Self { issuer, subject, role }),
            _ => Err(Error::internal("a field that is missing was not noted")),
        }
    }

    /// Reads the field `role`, which must be there.
    pub fn role(fields: &mut Fields) -> Option<Role> {
        let role = fields.text("role", Role::parse).value();
        if role.is_none() && !fields.is_at_fault("role") {
            fields.fault("role", "must be there");
        }
        role
    }

    fn identity(fields: &mut Fields, name: &str) -> Option<String> {
        let text = fields.text(name, |text| {
            let fits = (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
            if fits { Ok(text.to_owned()) } else { Err("must be 1 to 1,024 bytes, without control characters") }
        });
        let text = text.value();
        if text.is_none() && !fields.is_at_fault(name) {
            fields.fault(name, "must be there");
        }
        text
    }
}

/// Keeps users and their roles.
#[derive(Clone, Debug)]
pub struct Members {
    store: Arc<dyn MemberStore>,
    grants: Arc<dyn GrantStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Members {
    /// Over these stores.
    pub fn new(
        store: Arc<dyn MemberStore>,
        grants: Arc<dyn GrantStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { store, grants, clock, entropy }
    }

    /// The user whom a provider vouches for, made if they are new here. Issuer and subject tell who it is; name and
    /// address are what the provider says today.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sign_in(
        &self,
        issuer: &str,
        subject: &str,
        name: Option<String>,
        email: Option<String>,
    ) -> Result<User> {
        let mut user = self.proposed(issuer, subject);
        (user.name, user.email, user.signed_in_at) = (name, email, Some(user.created_at));
        self.store.user(&user).await
    }

    fn proposed(&self, issuer: &str, subject: &str) -> User {
        let now = self.clock.now();
        User {
            id: UserId::fresh(now, &*self.entropy),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            name: None,
            email: None,
            created_at: now,
            signed_in_at: None,
        }
    }

    /// The workspace that a user who signs in begins in: `workspace`, where they are a member of it. Who is not becomes one
    /// with `role`, if there is one for strangers, whatever else they are a member of; else they begin where they have been
    /// a member longest, and there is none for who is a member nowhere.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn home_of(
        &self,
        user: &User,
        workspace: WorkspaceId,
        role: Option<Role>,
    ) -> Result<Option<WorkspaceId>> {
        if self.store.member(workspace, user.id).await?.is_some() {
            return Ok(Some(workspace));
        }
        let Some(role) = role else {
            return Ok(self.store.memberships(user.id).await?.first().map(|first| first.workspace));
        };
        // Since the sign-in that made them one, so that it counts as one of a member.
        let since = user.signed_in_at.unwrap_or_else(|| self.clock.now());
        let set = self.store.set_role(workspace, user.id, Some(role), since).await?;
        Ok(matches!(set, RoleSet::Done(_)).then_some(workspace))
    }

    /// A member of the caller's workspace.
    ///
    /// # Errors
    /// [`InsufficientScope`](Kind::InsufficientScope) without `members:read`; [`NotFound`](Kind::NotFound) if there is no
    /// such member.
    pub async fn get(&self, who: &Principal, user: UserId) -> Result<Member> {
        who.require(Scope::MembersRead)?;
        self.store.member(who.workspace, user).await?.ok_or_else(|| Error::not_found("member"))
    }

    /// The members of the caller's workspace, the longest first.
    ///
    /// # Errors
    /// [`InsufficientScope`](Kind::InsufficientScope) without `members:read`.
    pub async fn list(&self, who: &Principal) -> Result<Vec<Member>> {
        who.require(Scope::MembersRead)?;
        self.store.members(who.workspace).await
    }

    /// Makes somebody a member.
    ///
    /// # Errors
    /// [`Forbidden`](Kind::Forbidden) for a role that is more than the caller may give;
    /// [`Conflict`](Kind::Conflict) if they are a member already.
    pub async fn add(&self, who: &Principal, new: NewMember) -> Result<Member> {
        self.may_give(who, new.role).await?;
        let user = self.store.user(&self.proposed(&new.issuer, &new.subject)).await?;
        if self.store.member(who.workspace, user.id).await?.is_some() {
            let message = format!("They are a member already, as {}; change the role there", user.id);
            return Err(Error::new(Kind::Conflict, message));
        }
        self.set(who.workspace, user.id, Some(new.role)).await
    }

    /// Gives a member another role.
    ///
    /// # Errors
    /// As [`add`](Self::add); [`NotFound`](Kind::NotFound) if there is no such member;
    /// [`Conflict`](Kind::Conflict) for the last owner.
    pub async fn set_role(&self, who: &Principal, user: UserId, role: Role) -> Result<Member> {
        self.may_give(who, role).await?;
        self.may_change(who, user).await?;
        self.set(who.workspace, user, Some(role)).await
    }

    /// Takes somebody out of the workspace, and ends their sessions and what they allowed there.
    ///
    /// # Errors
    /// As [`set_role`](Self::set_role).
    pub async fn remove(&self, who: &Principal, user: UserId) -> Result<Member> {
        who.require(Scope::MembersWrite)?;
        let end = || self.grants.end(Ending::Member(who.workspace, user), self.clock.now());
        match self.may_change(who, user).await {
            Ok(Role::Owner) if self.is_last_owner(who.workspace, user).await? => return Err(last_owner()),
            Ok(_) => end().await?,
            // A removal that broke off is finished by being asked for again.
            Err(error) if error.kind() == Kind::NotFound => return end().await.and(Err(error)),
            Err(error) => return Err(error),
        };
        let member = self.set(who.workspace, user, None).await?;
        // Who signed in, or allowed a client something, between the two.
        end().await?;
        Ok(member)
    }

    async fn set(&self, workspace: WorkspaceId, user: UserId, role: Option<Role>) -> Result<Member> {
        match self.store.set_role(workspace, user, role, self.clock.now()).await? {
            RoleSet::Done(member) => Ok(member),
            RoleSet::Unknown => Err(Error::not_found("member")),
            RoleSet::LastOwner => Err(last_owner()),
        }
    }

    async fn is_last_owner(&self, workspace: WorkspaceId, user: UserId) -> Result<bool> {
        let members = self.store.members(workspace).await?;
        Ok(!members.iter().any(|member| member.role == Role::Owner && member.user.id != user))
    }

    /// Demands that the caller may give this role: nobody gives more than they have.
    async fn may_give(&self, who: &Principal, role: Role) -> Result<()> {
        who.require(Scope::MembersWrite)?;
        who.may_grant(role.scopes(), None)?;
        if role == Role::Owner { self.must_own(who).await } else { Ok(()) }
    }

    /// Demands that the caller may change what this member is; gives their role.
    async fn may_change(&self, who: &Principal, user: UserId) -> Result<Role> {
        let member = self.store.member(who.workspace, user).await?.ok_or_else(|| Error::not_found("member"))?;
        if !member.role.scopes().is_subset(who.scopes) {
            return Err(Error::new(Kind::Forbidden, "Nobody changes or removes a member who may do more than they")
                .with_issues(vec![Issue::new("role", "may do more than you")]));
        }
        if member.role == Role::Owner {
            self.must_own(who).await?;
        }
        Ok(member.role)
    }

    /// Demands `owners:write`, and of a person that they are an owner themselves.
    async fn must_own(&self, who: &Principal) -> Result<()> {
        let is_owner = match who.actor {
            Actor::User(id) => {
                self.store.member(who.workspace, id).await?.is_some_and(|member| member.role == Role::Owner)
            }
            Actor::Key(_) | Actor::Client(_) | Actor::Subject(_) => true,
        };
        if is_owner && who.scopes.contains(Scope::OwnersWrite) {
            return Ok(());
        }
        Err(Error::new(Kind::Forbidden, "Only an owner makes, changes and removes owners")
            .with_issues(vec![Issue::new("role", "is an owner's")]))
    }
}

fn last_owner() -> Error {
    Error::new(Kind::Conflict, "The workspace would be without an owner; make another one first")
}
