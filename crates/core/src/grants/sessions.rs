//! Sessions of browsers.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Ending, Grant, GrantStore, GrantToken};
use crate::clock::Clock;
use crate::credentials::{Actor, Principal, Scopes, SecretKind, SecretText};
use crate::entropy::Entropy;
use crate::error::{Error, Kind, Result};
use crate::ids::{GrantId, UserId, WorkspaceId};
use crate::members::{Member, MemberStore};

/// How long a session is good without being used: two weeks, so that who comes back each Monday stays signed in.
const IDLE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// How long it is good at most: 30 days, then the provider is asked again whether it still knows the person.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// When a session was last used is kept to the minute, so that using one does not mean writing a row.
const USE_RESOLUTION: Duration = Duration::from_secs(60);
/// The longest label, in characters.
const LABEL: usize = 200;

/// A session that was just started, with the text for the browser's cookie.
#[derive(Debug)]
pub struct Started {
    /// The session.
    pub grant: Grant,
    /// The text, which is never to be seen again.
    pub text: SecretText,
}

/// A session that is good, and the member whose it is.
#[derive(Clone, Debug)]
pub struct Session {
    /// The session.
    pub grant: Grant,
    /// Who it is, with the role that they have now.
    pub member: Member,
}

impl Session {
    /// Who asks by it: what the role allows now, within what the session allows.
    pub fn principal(&self) -> Principal {
        Principal {
            workspace: self.grant.workspace,
            actor: Actor::User(self.grant.user),
            scopes: self.member.role.scopes().intersection(self.grant.scopes),
            plan: None,
            traceparent: None,
        }
    }

    /// When it ends however much it is used. Two weeks without use end it before; who asks uses it.
    pub fn ends_at(&self) -> Timestamp {
        self.grant.expires_at
    }
}

/// Starts, recognises and ends sessions of browsers: grants without a client.
///
/// Grant and role are asked for each time, so what is ended or taken away holds on every node as soon as its store says
/// so. Put the stores into layers that believe look-ups for a second at most.
#[derive(Clone, Debug)]
pub struct Sessions {
    grants: Arc<dyn GrantStore>,
    members: Arc<dyn MemberStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Sessions {
    /// How long a cookie is to be kept: as long as its session can be good.
    pub const LONGEST: Duration = LONGEST;

    /// Over these stores.
    pub fn new(
        grants: Arc<dyn GrantStore>,
        members: Arc<dyn MemberStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { grants, members, clock, entropy }
    }

    /// Starts a session of a member, with an id and a text of its own. `label` is what the browser calls itself.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn start(&self, user: UserId, workspace: WorkspaceId, label: &str) -> Result<Started> {
        let now = self.clock.now();
        let label: String = label.chars().filter(|c| !c.is_control()).take(LABEL).collect();
        let grant = Grant {
            id: GrantId::fresh(now, &*self.entropy),
            user,
            client: None,
            workspace,
            scopes: Scopes::ALL,
            label,
            created_at: now,
            used_at: now,
            expires_at: now + LONGEST,
            ended_at: None,
        };
        let text = SecretText::generate(SecretKind::Session, &*self.entropy);
        let token = GrantToken {
            hash: text.hash(),
            kind: SecretKind::Session,
            grant: grant.id,
            expires_at: grant.expires_at,
            binding: None,
            used_at: None,
        };
        self.grants.open(&grant, &token).await?;
        Ok(Started { grant, text })
    }

    /// Whose session this text is.
    ///
    /// # Errors
    /// [`Unauthenticated`](Kind::Unauthenticated) for a text that is no session's, for one that was ended, and for that of
    /// somebody who is no member any more; [`Expired`](Kind::Expired) for one whose time is over.
    pub async fn find(&self, text: &str) -> Result<Session> {
        let unknown = || Error::new(Kind::Unauthenticated, "The session is not known; sign in again");
        let hash = SecretText::parse(SecretKind::Session, text).ok_or_else(unknown)?.hash();
        let (grant, token) = self.grants.find(hash).await?.ok_or_else(unknown)?;
        if token.kind != SecretKind::Session || grant.client.is_some() {
            return Err(unknown());
        }
        if grant.ended_at.is_some() {
            return Err(Error::new(Kind::Unauthenticated, "The session was ended; sign in again"));
        }
        let now = self.clock.now();
        if !grant.is_live(now) || token.expires_at <= now || grant.used_at + IDLE <= now {
            return Err(Error::new(Kind::Expired, "The session has expired; sign in again"));
        }
        let member = self.members.member(grant.workspace, grant.user).await?.ok_or_else(|| {
            Error::new(Kind::Unauthenticated, "The session's user is no member of the workspace any more")
        })?;
        if grant.used_at + USE_RESOLUTION <= now
            && let Err(error) = self.grants.touch(grant.id, now).await
        {
            tracing::debug!(error = ?error, "the last use of a session was not noted");
        }
        Ok(Session { grant, member })
    }

    /// The sessions of a person that are good now, newest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list(&self, user: UserId) -> Result<Vec<Grant>> {
        let now = self.clock.now();
        let mut own = self.grants.grants(user, now).await?;
        own.retain(|grant| grant.client.is_none() && grant.used_at + IDLE > now);
        Ok(own)
    }

    /// Ends one of a person's sessions, on every node within a second.
    ///
    /// # Errors
    /// [`NotFound`](Kind::NotFound) if they have no such session, or it has ended.
    pub async fn end(&self, user: UserId, id: GrantId) -> Result<()> {
        let now = self.clock.now();
        let grant = self.grants.grant(id).await?;
        let own = grant.filter(|grant| grant.user == user && grant.client.is_none() && grant.is_live(now));
        own.ok_or_else(|| Error::not_found("session"))?;
        self.grants.end(Ending::Grant(id), now).await.map(drop)
    }

    /// Ends the session of a text, if it is one's.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn end_by_text(&self, text: &str) -> Result<()> {
        let Some(text) = SecretText::parse(SecretKind::Session, text) else { return Ok(()) };
        match self.grants.find(text.hash()).await? {
            Some((grant, _)) if grant.client.is_none() => {
                self.grants.end(Ending::Grant(grant.id), self.clock.now()).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Ends everything that a person ever allowed: their sessions, and what they allowed to clients. Answers how many held
    /// until then.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn end_all(&self, user: UserId) -> Result<u64> {
        self.grants.end(Ending::User(user), self.clock.now()).await
    }

    /// Goes on in another workspace of the same person: by a new session, and the one before ends.
    ///
    /// # Errors
    /// [`NotFound`](Kind::NotFound) if they are no member there.
    pub async fn switch(&self, session: &Session, workspace: WorkspaceId) -> Result<Started> {
        let user = session.grant.user;
        let member = self.members.member(workspace, user).await?;
        member.ok_or_else(|| Error::not_found("workspace"))?;
        let started = self.start(user, workspace, &session.grant.label).await?;
        self.grants.end(Ending::Grant(session.grant.id), self.clock.now()).await?;
        Ok(started)
    }
}
