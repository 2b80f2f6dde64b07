//! What clients are granted: for themselves, by a person's code, and by refresh tokens.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::{Challenge, Ending, Grant, GrantStore, GrantToken, Turn};
use crate::clients::{Client, ClientStore, RedirectUri, Refusal, RefusalCode};
use crate::clock::Clock;
use crate::credentials::{Credentials, Scopes, SecretHash, SecretKind, SecretText};
use crate::entropy::Entropy;
use crate::error::Result;
use crate::ids::{ClientId, GrantId, UserId};
use crate::members::MemberStore;
use crate::ports::Ports;
use crate::tokens::{Bearer, IssuedToken, Tokens};

/// How long a code is good. A minute: it goes from a browser to a program at once (RFC 6749 §4.1.2 allows ten).
const CODE_LIFE: Duration = Duration::from_secs(60);
/// How long a grant lasts, however much it is used. 90 days: a person confirms four times a year.
const GRANT_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long a refresh token may lie unused. 30 days: who was away for a holiday is still signed in.
const IDLE_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// `used_at` is kept to the minute, so that using a grant does not mean writing a row.
const USE_RESOLUTION: Duration = Duration::from_secs(60);

/// What a client gets (RFC 6749 §5.1).
#[derive(Debug)]
pub struct Issued {
    /// The access token.
    pub access: IssuedToken,
    /// In how many seconds it ends.
    pub expires_in: u64,
    /// The refresh token, where a person granted it.
    pub refresh: Option<SecretText>,
}

/// What a person allows a client.
#[derive(Clone, Debug)]
pub struct Consent<'a> {
    /// Who.
    pub user: UserId,
    /// Whom.
    pub client: ClientId,
    /// Where they are sent back to, as the client asked for it.
    pub redirect_uri: &'a str,
    /// The client's `code_challenge`, by S256.
    pub challenge: &'a str,
    /// The most that may be done; all that the client may if none is named.
    pub scopes: Scopes,
}

/// A person's code, as a client shows it to get tokens.
#[derive(Clone, Copy)]
pub struct CodeProof<'a> {
    /// The code.
    pub code: &'a str,
    /// The `redirect_uri` that it was sent to.
    pub redirect_uri: &'a str,
    /// The `code_verifier` of the challenge.
    pub verifier: &'a str,
}

/// Grants clients what they may have, and takes it back.
#[derive(Debug)]
pub struct Authorizations {
    pub(super) grants: Arc<dyn GrantStore>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) clients: Arc<dyn ClientStore>,
    members: Arc<dyn MemberStore>,
    entropy: Arc<dyn Entropy>,
    credentials: Credentials,
    /// What refresh tokens are derived with, asked for once.
    successors: OnceCell<[u8; 32]>,
}

impl Authorizations {
    /// Over these ports.
    pub fn new(tokens: Arc<Tokens>, ports: &Ports) -> Self {
        let (clock, entropy) = (ports.clock.clone(), ports.entropy.clone());
        Self {
            credentials: Credentials::new(ports.credentials.clone(), clock.clone(), entropy.clone()),
            grants: ports.grants.clone(),
            clients: ports.clients.clone(),
            members: ports.members.clone(),
            tokens,
            clock,
            entropy,
            successors: OnceCell::new(),
        }
    }

    /// The client that asks a person for something, and where the person may be sent back to, even with bad news. To be
    /// asked before anything is shown: without it, nobody is sent anywhere (RFC 6749 §4.1.2.1).
    ///
    /// # Errors
    /// [`RefusalCode::InvalidRequest`] for an unknown client, and for a URI that the client has not registered.
    pub async fn applicant(&self, client: &str, redirect_uri: &str) -> Result<(Client, RedirectUri), Refusal> {
        let unknown = || Refusal::new(RefusalCode::InvalidRequest, "There is no such client");
        let id = ClientId::parse(client).map_err(|_| unknown())?;
        let client = self.clients.client(id).await?.filter(|client| client.revoked_at.is_none()).ok_or_else(unknown)?;
        let foreign = || Refusal::new(RefusalCode::InvalidRequest, "The client has not registered this redirect URI");
        let uri = RedirectUri::parse(redirect_uri).map_err(|_| foreign())?;
        if !client.redirect_uris.iter().any(|own| own.admits(&uri)) {
            return Err(foreign());
        }
        Ok((client, uri))
    }

    /// What a person would allow a client that asks for these scopes, or for all that it may if none is named: what their
    /// role in the client's workspace comes to of it. Shown before, and kept after: nobody allows what they did not see.
    ///
    /// # Errors
    /// [`RefusalCode::UnauthorizedClient`] for a person who is no member of the client's workspace;
    /// [`RefusalCode::InvalidScope`] for more than the client may, or nothing that the person may.
    pub async fn offer(&self, client: &Client, user: UserId, scopes: Scopes) -> Result<Scopes, Refusal> {
        let stranger = "The person is no member of the client's workspace";
        let member = self.members.member(client.workspace, user).await?;
        let member = member.ok_or(Refusal::new(RefusalCode::UnauthorizedClient, stranger))?;
        let scopes = if scopes.is_empty() { client.scopes } else { scopes };
        let offered = scopes.intersection(member.role.scopes());
        if !scopes.is_subset(client.scopes) || offered.is_empty() { Err(beyond()) } else { Ok(offered) }
    }

    /// Notes what a person allowed, and gives the code that the client turns into tokens. The caller has seen to it that
    /// it was the person who said so.
    ///
    /// # Errors
    /// Those of [`applicant`](Self::applicant); [`RefusalCode::InvalidRequest`] for a challenge that is not by S256;
    /// those of [`offer`](Self::offer).
    pub async fn allow(&self, consent: &Consent<'_>) -> Result<SecretText, Refusal> {
        let (client, uri) = self.applicant(&consent.client.to_string(), consent.redirect_uri).await?;
        let challenge = Challenge::parse(consent.challenge).map_err(|_| {
            Refusal::new(RefusalCode::InvalidRequest, "A code_challenge by the method S256 is required (RFC 7636)")
        })?;
        let scopes = self.offer(&client, consent.user, consent.scopes).await?;
        let now = self.clock.now();
        let grant = Grant {
            id: GrantId::fresh(now, &*self.entropy),
            user: consent.user,
            client: Some(client.id),
            workspace: client.workspace,
            scopes,
            label: client.name,
            created_at: now,
            used_at: now,
            expires_at: now + GRANT_LIFE,
            ended_at: None,
        };
        let code = SecretText::generate(SecretKind::Code, &*self.entropy);
        let token = GrantToken {
            hash: code.hash(),
            kind: SecretKind::Code,
            grant: grant.id,
            expires_at: now + CODE_LIFE,
            binding: Some(binding(client.id, &uri, challenge)),
            used_at: None,
        };
        self.grants.open(&grant, &token).await?;
        Ok(code)
    }

    /// Tokens for the client itself (RFC 6749 §4.4); no refresh token (§4.4.3). `scopes` are all that it may if none
    /// are named.
    ///
    /// # Errors
    /// [`RefusalCode::UnauthorizedClient`] for a public client; [`RefusalCode::InvalidScope`] for more than it may.
    pub async fn for_client(&self, client: &Client, scopes: Option<Scopes>) -> Result<Issued, Refusal> {
        if !client.is_confidential() {
            let says = "A public client gets no tokens for itself";
            return Err(Refusal::new(RefusalCode::UnauthorizedClient, says));
        }
        let scopes = scopes.unwrap_or(client.scopes);
        if !scopes.is_subset(client.scopes) {
            return Err(beyond());
        }
        let access = self.tokens.issue(client, Bearer::Client, scopes, None).await?;
        Ok(issued(access, None))
    }

    /// Tokens for a person's code (RFC 6749 §4.1.3), once. A code that is shown again with all that belongs to it ends
    /// the grant, and so every token that came of it (§4.1.2): one of the two who showed it has stolen it.
    ///
    /// # Errors
    /// [`RefusalCode::InvalidGrant`].
    pub async fn by_code(&self, client: &Client, shown: CodeProof<'_>) -> Result<Issued, Refusal> {
        let now = self.clock.now();
        let code = SecretText::parse(SecretKind::Code, shown.code);
        let code = code.ok_or(Refusal::grant("the code is of another form"))?;
        let found = self.grants.find(code.hash()).await?.filter(|(_, token)| token.kind == SecretKind::Code);
        let (grant, token) = found.ok_or(Refusal::grant("there is no such code"))?;
        let challenge = Challenge::of_verifier(shown.verifier);
        let challenge = challenge.map_err(|_| Refusal::grant("the code's verifier is of another form"))?;
        let uri = RedirectUri::parse(shown.redirect_uri);
        let uri = uri.map_err(|_| Refusal::grant("the code's redirect URI is of another form"))?;
        // Who shows a code without all that belongs to it changes nothing: a code alone must not do harm either.
        if token.binding != Some(binding(client.id, &uri, challenge)) {
            return Err(Refusal::grant("the code is bound to another client, redirect URI or challenge"));
        }
        if token.used_at.is_some() {
            return Err(self.end_reused(&grant, "an authorization code was used again").await?);
        }
        if token.expires_at <= now {
            return Err(Refusal::grant("the code's time is over"));
        }
        let scopes = self.allowed(client, &grant, None).await?;
        let refresh = SecretText::generate(SecretKind::Refresh, &*self.entropy);
        match self.grants.turn(code.hash(), &next(&refresh, &grant, now), now).await? {
            Turn::Done => self.issue(client, &grant, scopes, refresh).await,
            Turn::Used { .. } => Err(self.end_reused(&grant, "an authorization code was used again").await?),
            Turn::Unknown => Err(Refusal::grant("the code's grant was ended")),
        }
    }

    /// What may be done under a grant now: `wanted`, or all that was granted, as far as client and role allow it.
    pub(super) async fn allowed(
        &self,
        client: &Client,
        grant: &Grant,
        wanted: Option<Scopes>,
    ) -> Result<Scopes, Refusal> {
        let wanted = wanted.unwrap_or(grant.scopes);
        if !wanted.is_subset(grant.scopes) {
            return Err(beyond());
        }
        let member = self.members.member(grant.workspace, grant.user).await?;
        let member = member.ok_or(Refusal::grant("the person is no member any more"))?;
        let scopes = wanted.intersection(client.scopes).intersection(member.role.scopes());
        if scopes.is_empty() { Err(beyond()) } else { Ok(scopes) }
    }

    pub(super) async fn issue(
        &self,
        client: &Client,
        grant: &Grant,
        scopes: Scopes,
        refresh: SecretText,
    ) -> Result<Issued, Refusal> {
        let bearer = Bearer::User(grant.user, grant.id);
        let access = self.tokens.issue(client, bearer, scopes, Some(grant.expires_at)).await?;
        let now = self.clock.now();
        if grant.used_at + USE_RESOLUTION <= now {
            self.grants.touch(grant.id, now).await?;
        }
        Ok(issued(access, Some(refresh)))
    }

    /// Ends a grant of which a token was used again, and says so to the operator: by ids alone.
    pub(super) async fn end_reused(&self, grant: &Grant, what: &'static str) -> Result<Refusal, Refusal> {
        let ended = self.grants.end(Ending::Grant(grant.id), self.clock.now()).await?;
        let client = grant.client.map(tracing::field::display);
        tracing::warn!(
            event = "grant_reused", grant = %grant.id, user = %grant.user, workspace = %grant.workspace, client, ended,
            "{what}; the grant was ended, with every token that came of it",
        );
        Ok(Refusal::grant(what))
    }

    /// What successors of refresh tokens are derived with; the same on every node.
    pub(super) async fn successor_key(&self) -> Result<&[u8; 32]> {
        self.successors.get_or_try_init(|| self.credentials.secret("refresh-tokens")).await
    }
}

/// The refresh token that comes next under a grant, as it is kept.
pub(super) fn next(text: &SecretText, grant: &Grant, now: Timestamp) -> GrantToken {
    GrantToken {
        hash: text.hash(),
        kind: SecretKind::Refresh,
        grant: grant.id,
        expires_at: grant.expires_at.min(now + IDLE_LIFE),
        binding: None,
        used_at: None,
    }
}

fn issued(access: IssuedToken, refresh: Option<SecretText>) -> Issued {
    let lasts = access.token.expires_at.as_second() - access.token.issued_at.as_second();
    Issued { access, expires_in: u64::try_from(lasts).unwrap_or(0), refresh }
}

fn beyond() -> Refusal {
    Refusal::new(RefusalCode::InvalidScope, "The scope is more than was granted, or nothing of it is left")
}

/// What a code is bound to. The first two parts have one length, so no two bindings are written alike.
fn binding(client: ClientId, uri: &RedirectUri, challenge: Challenge) -> SecretHash {
    let parts = Sha256::new_with_prefix(client.to_bytes());
    SecretHash(parts.chain_update(challenge.as_bytes()).chain_update(uri.as_str()).finalize().into())
}
