//! Who is asking: one question, whatever they show and whatever protocol they show it by.
//!
//! Most requests ask once. What outlives a request, a live session, asks again: it keeps a [`Proof`], since what was shown
//! ends, is revoked, or comes to allow less while the session goes on.

use std::fmt::{self, Debug};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::Platform;
use crate::credentials::Principal;
use crate::error::Result;
use crate::issuers;

/// What somebody showed. Cheap to clone; prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub enum Shown {
    /// The text of an API key or of a token.
    Bearer(Arc<str>),
    /// The text of a session, from a browser's cookie.
    Session(Arc<str>),
}

impl Shown {
    /// A key or a token.
    pub fn bearer(text: &str) -> Self {
        Self::Bearer(text.into())
    }

    /// A session's cookie.
    pub fn session(text: &str) -> Self {
        Self::Session(text.into())
    }
}

impl Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(..)",
            Self::Session(_) => "Session(..)",
        })
    }
}

/// Who it is, and until when that can be said without asking again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Who it is.
    pub principal: Principal,
    /// From when on what was shown is void by itself; never, for a key without an end. It may be revoked before.
    pub until: Option<Timestamp>,
}

/// Tells again who somebody is, for what lasts longer than what they showed.
#[async_trait]
pub trait Proof: Debug + Send + Sync {
    /// Who it is now. Asks anew each time; the stores may believe what they know for a second.
    ///
    /// # Errors
    /// [`Unauthenticated`](crate::Kind::Unauthenticated) and [`Expired`](crate::Kind::Expired): it holds no more. Any other
    /// means that this could not be found out, and says nothing about who it is.
    async fn ask(&self) -> Result<Recognised>;
}

/// What was shown to a platform.
#[derive(Debug)]
struct ShownTo {
    platform: Arc<Platform>,
    shown: Shown,
}

#[async_trait]
impl Proof for ShownTo {
    async fn ask(&self) -> Result<Recognised> {
        self.platform.recognise_shown(&self.shown).await
    }
}

impl Platform {
    /// Who shows this: the holder of an API key, whom this server's own token names, whom a trusted issuer vouches for, or
    /// whose session it is.
    ///
    /// What is shown still holds, or did a second ago: its standing is asked for each time.
    ///
    /// # Errors
    /// [`Unauthenticated`](crate::Kind::Unauthenticated) for what is not known, revoked, or no token that is taken here;
    /// [`Expired`](crate::Kind::Expired) for what was good; those of the stores.
    pub async fn recognise_shown(&self, shown: &Shown) -> Result<Recognised> {
        match shown {
            Shown::Bearer(text) => self.recognise_bearer(text).await,
            Shown::Session(text) => {
                let session = self.sessions.find(text).await?;
                Ok(Recognised { principal: session.principal(), until: Some(session.ends_at()) })
            }
        }
    }

    /// What tells again and again who showed this.
    pub fn proof(self: &Arc<Self>, shown: Shown) -> Arc<dyn Proof> {
        Arc::new(ShownTo { platform: self.clone(), shown })
    }

    async fn recognise_bearer(&self, text: &str) -> Result<Recognised> {
        if !is_token(text) {
            let key = self.credentials.find(text).await?;
            return Ok(Recognised { principal: key.principal(), until: key.expires_at });
        }
        // One that claims to be nobody's goes to our own verifier, which says why it is refused.
        if self.issuers.any() && !self.tokens.is_own(text) {
            let vouched = self.issuers.verify(text).await?;
            // A token is believed for as long after its end as its issuer's clock may be behind.
            let until = vouched.expires_at.saturating_add(issuers::SKEW).unwrap_or(Timestamp::MAX);
            return Ok(Recognised { principal: vouched.principal(), until: Some(until) });
        }
        let verified = self.tokens.verify(text).await?;
        Ok(Recognised { principal: verified.principal, until: Some(verified.expires_at) })
    }
}

/// Whether a text is a token rather than a key. `eyJ` is how an object of JSON begins in base64url, and two dots part a
/// token (RFC 7515 §7.1); a key that somebody chose by hand hardly has both.
fn is_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
}
