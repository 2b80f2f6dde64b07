//! Tickets: how a browser opens a live stream that cannot set a header.
//!
//! `EventSource` and `WebSocket` of a browser send no header of the page's choice, and a key or token in an address ends up
//! in logs. So the page asks for a ticket by its credentials, and opens the stream with that: good for half a minute, once,
//! on any node. A ticket carries nothing over. What its owner had shown is kept sealed in the store of claims, which all
//! nodes share, and is recognised anew when the ticket comes back: a key that was revoked in between opens nothing.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jiff::Timestamp;

use crate::Platform;
use crate::clock::Clock;
use crate::credentials::{Principal, Scope, SecretHash, SecretKind, SecretText};
use crate::entropy::Entropy;
use crate::error::{Error, Kind, Result};
use crate::idempotency::{
    Answer, Claim, ClaimRequest, Fingerprint, IdempotencyKey, IdempotencyStore, LeaseToken, ScopedKey, Settled,
};
use crate::identity::{Recognised, Shown};
use crate::ids::WorkspaceId;
use crate::seal::Seal;

/// How long a ticket is good: 30 s. A page opens its stream at once, and on a slow network a few round trips later.
const LIFE: Duration = Duration::from_secs(30);
/// How long it is remembered that one was used: so much longer than it is good that no node whose clock differs by minutes
/// takes it again.
const USED: Duration = Duration::from_secs(10 * 60);
/// No workspace has this id, so no client's key is ever a ticket's.
const NOBODYS: WorkspaceId = WorkspaceId::from_bytes([0; 16]);

/// A ticket that was just made.
#[derive(Debug)]
pub struct IssuedTicket {
    /// Its text, which is never to be seen again.
    pub text: SecretText,
    /// From when on it is void.
    pub expires_at: Timestamp,
}

/// Makes tickets, and takes each back once.
#[derive(Debug)]
pub struct Tickets {
    store: Arc<dyn IdempotencyStore>,
    seal: Arc<Seal>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Tickets {
    /// Kept in `store`, which all nodes share, under `seal`.
    pub fn new(
        store: Arc<dyn IdempotencyStore>,
        seal: Arc<Seal>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { store, seal, clock, entropy }
    }

    /// Makes a ticket for who showed this. Each call makes another one.
    ///
    /// # Errors
    /// [`InsufficientScope`](Kind::InsufficientScope) without `events:read`; [`Forbidden`](Kind::Forbidden) for one who
    /// showed nothing here, since a gateway vouched for them; those of the store.
    pub async fn issue(&self, who: &Principal, shown: Option<&Shown>) -> Result<IssuedTicket> {
        who.require(Scope::EventsRead)?;
        let shown = shown.ok_or_else(|| {
            Error::new(
                Kind::Forbidden,
                "A gateway vouched for this request, which makes no ticket; send credentials to this server itself",
            )
        })?;
        let text = SecretText::generate(SecretKind::Ticket, &*self.entropy);
        let hash = text.hash();
        let now = self.clock.now();
        let expires_at = now + LIFE;
        let body = self.seal.close(&write(shown), &owner(hash), &*self.entropy)?;
        let Claim::Granted(lease) = self.claim(Mark::Made, hash, now, LIFE).await? else {
            return Err(Error::internal("a ticket that was just drawn is there already"));
        };
        let answer = Answer { status: 200, headers: Vec::new(), body: Bytes::from(body) };
        match self.store.complete(&lease, &answer, expires_at).await? {
            Settled::Kept => Ok(IssuedTicket { text, expires_at }),
            Settled::Superseded => Err(Error::new(Kind::Unavailable, "The ticket was not kept in time; ask again")),
        }
    }

    /// What the owner of a ticket had shown. Of all who bring one, on whatever node, one is told.
    ///
    /// # Errors
    /// [`Unauthenticated`](Kind::Unauthenticated) for a text that is no ticket, for one that was used, and for one that is
    /// over; those of the store.
    pub async fn redeem(&self, text: &str) -> Result<Shown> {
        let refused =
            || Error::new(Kind::Unauthenticated, "The ticket is not known, was used, or is over; ask for another");
        let hash = SecretText::parse(SecretKind::Ticket, text).ok_or_else(refused)?.hash();
        let now = self.clock.now();
        let kept = match self.claim(Mark::Made, hash, now, LIFE).await? {
            Claim::Replay(answer) => answer.body,
            Claim::Granted(lease) => {
                // Nobody made it. Where this fails, the lease ends by itself.
                if let Err(error) = self.store.release(&lease).await {
                    tracing::debug!(error = ?error, "the claim of an unknown ticket was not released");
                }
                return Err(refused());
            }
            Claim::Busy(_) | Claim::Mismatch => return Err(refused()),
        };
        match self.claim(Mark::Used, hash, now, USED).await? {
            Claim::Granted(_) => read(&self.seal.open(&kept, &owner(hash))?),
            Claim::Replay(_) | Claim::Busy(_) | Claim::Mismatch => Err(refused()),
        }
    }

    async fn claim(&self, mark: Mark, hash: SecretHash, now: Timestamp, lease: Duration) -> Result<Claim> {
        let mut token = [0; 16];
        self.entropy.fill(&mut token);
        let request = ClaimRequest {
            key: ScopedKey { workspace: NOBODYS, key: mark.key(hash)? },
            fingerprint: Fingerprint::of("ticket", "", "", b""),
            token: LeaseToken(token),
            now,
            lease,
        };
        self.store.claim(&request).await
    }
}

impl Platform {
    /// Who brings this ticket, and what its owner had shown: recognised anew.
    ///
    /// # Errors
    /// As [`Tickets::redeem`] and [`recognise_shown`](Self::recognise_shown).
    pub async fn recognise_ticket(&self, text: &str) -> Result<(Shown, Recognised)> {
        let shown = self.tickets.redeem(text).await?;
        let recognised = self.recognise_shown(&shown).await?;
        Ok((shown, recognised))
    }
}

/// What is noted of a ticket.
#[derive(Clone, Copy, Debug)]
enum Mark {
    Made,
    Used,
}

impl Mark {
    /// The key of the note. It holds the hash alone, so who reads the store has no ticket.
    fn key(self, hash: SecretHash) -> Result<IdempotencyKey> {
        let name = match self {
            Self::Made => "ticket",
            Self::Used => "ticket-used",
        };
        let key = format!("{name}:{}", URL_SAFE_NO_PAD.encode(hash.0));
        IdempotencyKey::parse(key.as_bytes()).map_err(|fault| Error::internal("a ticket has no key").with_source(fault))
    }
}

/// What the sealed text is bound to.
fn owner(hash: SecretHash) -> Vec<u8> {
    [b"ticket:", &hash.0[..]].concat()
}

/// One letter for the kind, then the text.
fn write(shown: &Shown) -> Vec<u8> {
    let (kind, text) = match shown {
        Shown::Bearer(text) => (b'b', text),
        Shown::Session(text) => (b's', text),
    };
    [&[kind], text.as_bytes()].concat()
}

fn read(kept: &[u8]) -> Result<Shown> {
    let text = kept.get(1..).and_then(|text| std::str::from_utf8(text).ok());
    match (kept.first(), text) {
        (Some(b'b'), Some(text)) => Ok(Shown::bearer(text)),
        (Some(b's'), Some(text)) => Ok(Shown::session(text)),
        _ => Err(Error::internal("a ticket holds what no version of this server writes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_comes_back_as_it_was() {
        for shown in [Shown::bearer("a-key-of-somebody"), Shown::session("wp_session_x"), Shown::bearer("")] {
            assert_eq!(read(&write(&shown)).unwrap(), shown);
        }
        for damaged in [&b""[..], b"x", b"b\xff"] {
            assert!(read(damaged).is_err());
        }
    }

    #[test]
    fn a_ticket_and_its_use_are_two_notes() {
        let hash = SecretHash([7; 32]);
        assert_ne!(Mark::Made.key(hash).unwrap(), Mark::Used.key(hash).unwrap());
    }
}
