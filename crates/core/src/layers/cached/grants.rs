//! Which session it is, whether its grant holds, and whether a token was revoked.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::believed::Believed;
use super::{BELIEVED, Cached, REMEMBERED, Remembered};
use crate::clock::Clock;
use crate::credentials::{SecretHash, SecretKind};
use crate::error::Result;
use crate::grants::{Ending, Grant, GrantStore, GrantToken, Turn};
use crate::ids::{GrantId, TokenId, UserId};

/// How long it is believed which grant a session's token is of: that never changes. Whether the grant holds is asked
/// apart, and believed for a second; so a session that is ended stops as soon as everything else.
const TOKEN_BELIEVED: Duration = Duration::from_secs(60);

/// Grants, the tokens of sessions, and tokens that were not revoked.
#[derive(Debug)]
pub struct Grants {
    /// Grants, the unknown ones included.
    grants: Believed<GrantId, Option<Grant>>,
    /// Tokens of sessions alone: codes and refresh tokens are used once, and must be seen as they are. Nor is it kept
    /// that there is none, since nobody asks twice for that but one who guesses.
    sessions: Believed<SecretHash, Option<GrantToken>>,
    /// From which moment on a token is not denied.
    allowed: Believed<TokenId, Asked>,
}

/// Whether a token was denied at a moment. One that was not is not later either, until it is denied.
#[derive(Clone, Copy, Debug)]
struct Asked {
    is_denied: bool,
    at: Timestamp,
}

impl Remembered for dyn GrantStore + '_ {
    type Memory = Grants;

    fn blank(clock: &Arc<dyn Clock>) -> Grants {
        Grants {
            grants: Believed::new(clock, BELIEVED, REMEMBERED),
            sessions: Believed::new(clock, TOKEN_BELIEVED, REMEMBERED),
            allowed: Believed::new(clock, BELIEVED, REMEMBERED),
        }
    }
}

fn is_session(token: &Option<GrantToken>) -> bool {
    token.as_ref().is_some_and(|token| token.kind == SecretKind::Session)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl GrantStore for Cached<dyn GrantStore> {
    async fn open(&self, grant: &Grant, token: &GrantToken) -> Result<()> {
        let opened = self.inner.open(grant, token).await;
        self.memory.grants.forget(&grant.id);
        self.memory.sessions.forget(&token.hash);
        opened
    }

    async fn find(&self, hash: SecretHash) -> Result<Option<(Grant, GrantToken)>> {
        let mut found = None;
        let look = async {
            found = self.inner.find(hash).await?;
            Ok(found.as_ref().map(|(_, token)| token.clone()))
        };
        let token = self.memory.sessions.look_up(&hash, is_session, look).await?;
        if found.is_some() {
            return Ok(found);
        }
        let Some(token) = token else { return Ok(None) };
        Ok(self.grant(token.grant).await?.map(|grant| (grant, token)))
    }

    async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        self.memory.grants.look_up(&id, |_| true, async { self.inner.grant(id).await }).await
    }

    async fn grants(&self, user: UserId, now: Timestamp) -> Result<Vec<Grant>> {
        self.inner.grants(user, now).await
    }

    async fn turn(&self, used: SecretHash, successor: &GrantToken, now: Timestamp) -> Result<Turn> {
        let turned = self.inner.turn(used, successor, now).await;
        self.memory.sessions.forget(&used);
        self.memory.sessions.forget(&successor.hash);
        turned
    }

    /// Notes the use on what is known before it is on record, so that of many requests at once one writes.
    async fn touch(&self, id: GrantId, at: Timestamp) -> Result<()> {
        self.memory.grants.amend(&id, |grant| {
            if let Some(grant) = grant {
                grant.used_at = grant.used_at.max(at);
            }
        });
        let noted = self.inner.touch(id, at).await;
        if noted.is_err() {
            self.memory.grants.forget(&id);
        }
        noted
    }

    async fn end(&self, which: Ending, now: Timestamp) -> Result<u64> {
        let ended = self.inner.end(which, now).await;
        // One whose outcome is not known may have been made.
        match which {
            Ending::Grant(id) => self.memory.grants.forget(&id),
            // Which grants these are is not told here.
            Ending::User(_) | Ending::Member(..) | Ending::Client(_) => self.memory.grants.doubt_all(),
        }
        ended
    }

    async fn deny(&self, token: TokenId, until: Timestamp) -> Result<()> {
        let denied = self.inner.deny(token, until).await;
        self.memory.allowed.forget(&token);
        denied
    }

    async fn is_denied(&self, token: TokenId, now: Timestamp) -> Result<bool> {
        let look = async { Ok(Asked { is_denied: self.inner.is_denied(token, now).await?, at: now }) };
        let asked = self.memory.allowed.look_up(&token, |asked| !asked.is_denied, look).await?;
        // What holds from a moment on says nothing of those before it.
        if now < asked.at { self.inner.is_denied(token, now).await } else { Ok(asked.is_denied) }
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let swept = self.inner.sweep(before, limit).await;
        self.memory.grants.doubt_all();
        self.memory.sessions.doubt_all();
        swept
    }
}
