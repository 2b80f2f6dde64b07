//! Telling whether a client is the one that it says.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::jwks::ClientKeys;
use super::{Client, ClientProof, ClientSecret, Clients, Refusal};
use crate::credentials::{SecretHash, SecretKind, SecretText};
use crate::idempotency::{Answer, Claim, Fingerprint, IdempotencyKey};
use crate::ids::{ClientId, WorkspaceId};
use crate::tokens::{Fault, Jws, SKEW};

/// How far ahead an assertion may end. An hour: libraries in use make them so, though minutes would do for a client that
/// signs one a request. Its id is remembered so long, so it is good once all the same.
const AHEAD: Duration = Duration::from_secs(60 * 60);

impl Clients {
    /// How long an assertion's id is remembered: as long as any could still be good, and a minute more.
    pub(super) const REMEMBERED: Duration = Duration::from_secs(63 * 60);

    /// The client that this is a proof of.
    ///
    /// # Errors
    /// [`RefusalCode::InvalidClient`](super::RefusalCode::InvalidClient), in the same words whatever is wrong.
    pub async fn authenticate(&self, proof: &ClientProof) -> Result<Client, Refusal> {
        match proof {
            ClientProof::Secret { id, secret } => self.by_secret(id, secret).await,
            ClientProof::Assertion { id, assertion } => self.by_assertion(id.as_deref(), assertion).await,
            ClientProof::Nothing { id } => {
                let client = self.known(id).await?.ok_or(Refusal::client("there is no such client"))?;
                if client.is_confidential() {
                    return Err(Refusal::client("the client is confidential and showed nothing"));
                }
                live(client)
            }
        }
    }

    async fn known(&self, id: &str) -> Result<Option<Client>, Refusal> {
        let Ok(id) = ClientId::parse(id) else { return Ok(None) };
        Ok(self.store.client(id).await?)
    }

    /// An unknown client costs what a wrong secret costs: one look-up and comparisons in constant time.
    async fn by_secret(&self, id: &str, secret: &str) -> Result<Client, Refusal> {
        let text = SecretText::parse(SecretKind::Client, secret);
        let shown = text.ok_or(Refusal::client("the client's secret is of another form"))?.hash();
        let now = self.clock.now();
        let client = self.known(id).await?;
        let nobody = [ClientSecret {
            hash: SecretHash([0; 32]),
            hint: String::new(),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
        }];
        let secrets = client.as_ref().map_or(&nobody[..], |client| &client.secrets);
        let mut is_known = false;
        for secret in secrets {
            is_known |= (secret.hash == shown) & secret.expires_at.is_none_or(|at| at > now);
        }
        match client {
            Some(client) if is_known => live(client),
            Some(_) => Err(Refusal::client("the client's secret is wrong, or its time is over")),
            None => Err(Refusal::client("there is no such client")),
        }
    }

    /// RFC 7523 §3: signed by the client, about itself, for us, for an hour at most, and once.
    async fn by_assertion(&self, id: Option<&str>, assertion: &str) -> Result<Client, Refusal> {
        let now = self.clock.now();
        let jws = Jws::parse(assertion).map_err(Refusal::assertion)?;
        let is_ours = jws.has_type() && !jws.is_of_type("JWT") && !jws.is_of_type("client-authentication+jwt");
        if is_ours {
            return Err(Refusal::assertion(Fault::Type));
        }
        let claims = jws.claims();
        let issuer = claims.text("iss").map_err(Refusal::assertion)?;
        if claims.text("sub").map_err(Refusal::assertion)? != issuer || id.is_some_and(|id| id != issuer) {
            return Err(Refusal::client("the assertion is not of the client about itself"));
        }
        let client = self.known(issuer).await?.ok_or(Refusal::client("there is no such client"))?;
        let keys = client.jwks.as_deref().ok_or(Refusal::client("the client has no keys"))?;
        let keys = ClientKeys::candidates(keys, jws.key_id(), jws.algorithm());
        if keys.is_empty() {
            return Err(Refusal::assertion(Fault::Key));
        }
        if !keys.iter().any(|key| key.has_signed(jws.signed, &jws.signature)) {
            return Err(Refusal::assertion(Fault::Signature));
        }
        let ours = [self.issuer.as_ref(), self.token_endpoint.as_ref()];
        claims.require_audience(&ours).map_err(Refusal::assertion)?;
        let ends = claims.require_now(now, SKEW).map_err(Refusal::assertion)?;
        if ends > now + AHEAD + SKEW {
            return Err(Refusal::client("the assertion ends more than an hour ahead"));
        }
        let name = claims.text("jti").ok().filter(|name| (1..=256).contains(&name.len()));
        let name = name.ok_or(Refusal::assertion(Fault::Claim("jti")))?;
        let client = live(client)?;
        self.take_once(client.id, name).await?;
        Ok(client)
    }

    /// Takes the assertion's id, on whichever node it is shown first. Ids are kept as keyed requests with an empty answer, in
    /// a room of the client's own: no workspace has its id, so nobody else can put anything there. Settled before the client
    /// is believed, since a claim without an answer is given back when a server starts again.
    async fn take_once(&self, client: ClientId, name: &str) -> Result<(), Refusal> {
        let digest = Sha256::digest(name.as_bytes());
        let key = IdempotencyKey::parse(URL_SAFE_NO_PAD.encode(digest).as_bytes());
        let key = key.map_err(|_| Refusal::client("the assertion's id is of no use"))?;
        let room = WorkspaceId::from_bytes(client.to_bytes());
        match self.shown.claim_apart(room, key, Fingerprint::of("assertion", "", "", b"")).await? {
            Claim::Granted(lease) => {
                let nothing = Answer { status: 204, headers: Vec::new(), body: Bytes::new() };
                Ok(self.shown.complete(&lease, &nothing).await?)
            }
            Claim::Replay(_) | Claim::Busy(_) | Claim::Mismatch => {
                Err(Refusal::client("the assertion was shown before"))
            }
        }
    }
}

fn live(client: Client) -> Result<Client, Refusal> {
    if client.revoked_at.is_some() {
        return Err(Refusal::client("the client was revoked"));
    }
    Ok(client)
}
