//! The principal: who is asking.

use std::fmt;

use super::{PlanName, Scope, Scopes};
use crate::error::{Error, Issue, Kind, Result};
use crate::ids::{ClientId, KeyId, SubjectId, UserId, WorkspaceId};

/// Who is asking. Every use case takes one, so that asking "may they?" cannot be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The workspace that they act in; rows of others are not there for them.
    pub workspace: WorkspaceId,
    /// Who it is, by what they showed.
    pub actor: Actor,
    /// What they may do.
    pub scopes: Scopes,
    /// The plan that they are limited by; the common one if none is named.
    pub plan: Option<PlanName>,
    /// The trace that they ask under (W3C Trace Context); carried on into the events that they cause.
    pub traceparent: Option<Box<str>>,
}

/// Who acts. Limits are counted by it, and logs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Actor {
    /// Who holds an API key.
    Key(KeyId),
    /// An OAuth client, for itself.
    Client(ClientId),
    /// A person who signed in, in a browser or through a client.
    User(UserId),
    /// Whom an issuer that the operator trusts vouches for.
    Subject(SubjectId),
}

impl Actor {
    /// Reads an actor from its id.
    pub fn parse(text: &str) -> Option<Self> {
        let key = KeyId::parse(text).map(Self::Key);
        let client = || ClientId::parse(text).map(Self::Client);
        let user = || UserId::parse(text).map(Self::User);
        let subject = || SubjectId::parse(text).map(Self::Subject);
        key.or_else(|_| client()).or_else(|_| user()).or_else(|_| subject()).ok()
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => id.fmt(f),
            Self::Client(id) => id.fmt(f),
            Self::User(id) => id.fmt(f),
            Self::Subject(id) => id.fmt(f),
        }
    }
}

impl Principal {
    /// Demands a scope.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`], naming the scope.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        let message = format!("This needs the scope {scope}, which the credentials do not have");
        Err(Error::new(Kind::InsufficientScope, message).with_issues(vec![Issue::new("scope", scope.as_str())]))
    }

    /// Demands that these scopes and this plan are theirs to hand on: nobody gives more than they have. Who is on the
    /// common plan may put others on any; who is on a plan, only on that one.
    ///
    /// # Errors
    /// [`Kind::Forbidden`], naming the scopes that are missing, or the plan.
    pub fn may_grant(&self, scopes: Scopes, plan: Option<&PlanName>) -> Result<()> {
        if !scopes.is_subset(self.scopes) {
            let missing: Scopes = Scope::ALL
                .into_iter()
                .filter(|scope| scopes.contains(*scope) && !self.scopes.contains(*scope))
                .collect();
            let missing = if missing.is_empty() { "those of later versions".to_owned() } else { missing.to_string() };
            let message = format!("Nobody gives scopes that they do not have: {missing}");
            return Err(Error::new(Kind::Forbidden, message).with_issues(vec![Issue::new("scopes", "more than yours")]));
        }
        if self.plan.is_some() && plan != self.plan.as_ref() {
            let issue = Issue::new("plan", "is not the plan that you are on");
            return Err(Error::new(Kind::Forbidden, "Nobody puts others on a plan that they are not on")
                .with_issues(vec![issue]));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use jiff::Timestamp;

    fn principal(scopes: &str, plan: Option<&str>) -> Principal {
        let (now, entropy) = (Timestamp::UNIX_EPOCH, SeededEntropy::new(1));
        Principal {
            workspace: WorkspaceId::fresh(now, &entropy),
            actor: Actor::Key(KeyId::fresh(now, &entropy)),
            scopes: Scopes::parse(scopes).unwrap(),
            plan: plan.map(|name| PlanName::parse(name).unwrap()),
            traceparent: None,
        }
    }

    #[test]
    fn nobody_gives_more_than_they_have() {
        let scopes = |text| Scopes::parse(text).unwrap();
        let partner = PlanName::parse("partner").unwrap();
        let who = principal("keys:write links:read", None);
        assert!(who.may_grant(scopes("links:read"), Some(&partner)).is_ok());
        for more in ["links:write", "*", "links:read members:write"] {
            assert_eq!(who.may_grant(scopes(more), None).unwrap_err().kind(), Kind::Forbidden, "{more}");
        }
        assert!(principal("*", None).may_grant(Scopes::ALL, None).is_ok());
        let who = principal("*", Some("partner"));
        assert!(who.may_grant(Scopes::ALL, Some(&partner)).is_ok());
        assert!(who.may_grant(Scopes::ALL, None).is_err(), "the common plan would be a way out");
    }

    #[test]
    fn an_actor_is_told_by_its_id() {
        let id = UserId::fresh(Timestamp::UNIX_EPOCH, &SeededEntropy::new(1));
        assert_eq!(Actor::parse(&Actor::User(id).to_string()), Some(Actor::User(id)));
        assert_eq!(Actor::parse("lnk_00000000000000000000000000"), None);
    }
}
