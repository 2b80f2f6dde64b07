//! Issuing tokens, and telling whether one is good.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use quick_cache::sync::Cache;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::key_ring::KeyRing;
use super::signature::SigningKey;
use super::{AccessToken, Bearer, Fault, Jws, Verified, jws};
use crate::clients::{Client, ClientStore};
use crate::clock::Clock;
use crate::credentials::{Credentials, Scopes};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::grants::GrantStore;
use crate::ids::TokenId;
use crate::members::MemberStore;
use crate::ports::Ports;

/// What can be tuned about tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenOptions {
    /// How long an access token is good (§9). 15 minutes: a client that refreshes asks four times an hour, and one who
    /// can only read tokens elsewhere, without asking us whether they were revoked, is wrong for no longer.
    pub lifetime: Duration,
    /// Which keys sign. Another number, and every token that was issued before is void at once: for a leak.
    pub generation: u32,
    /// How many tokens that were found good are remembered. 10,000: about 4 MB when full.
    pub remembered: usize,
}

impl Default for TokenOptions {
    fn default() -> Self {
        Self { lifetime: Duration::from_secs(15 * 60), generation: 1, remembered: 10_000 }
    }
}

/// An access token that was just issued.
#[derive(Debug)]
pub struct IssuedToken {
    /// Its text.
    pub text: Box<str>,
    /// What it says.
    pub token: AccessToken,
}

/// Issues access tokens, and tells whether one is good.
#[derive(Debug)]
pub struct Tokens {
    pub(super) issuer: Box<str>,
    pub(super) clients: Arc<dyn ClientStore>,
    pub(super) grants: Arc<dyn GrantStore>,
    pub(super) members: Arc<dyn MemberStore>,
    pub(super) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    keys: KeyRing,
    options: TokenOptions,
    /// Tokens that were found good, by the hash of their text. Only good ones get in, so nobody fills it with inventions.
    verified: Cache<[u8; 32], Arc<AccessToken>>,
}

impl Tokens {
    /// Tokens of `issuer`, the platform's public URL without a slash at its end, over these ports. Of them clients, grants
    /// and members are asked for each request.
    pub fn new(issuer: &str, ports: &Ports, options: TokenOptions) -> Self {
        let (clock, entropy) = (ports.clock.clone(), ports.entropy.clone());
        let credentials = Credentials::new(ports.credentials.clone(), clock.clone(), entropy.clone());
        Self {
            issuer: issuer.into(),
            clients: ports.clients.clone(),
            grants: ports.grants.clone(),
            members: ports.members.clone(),
            clock,
            entropy,
            keys: KeyRing::new(credentials, "token-key", options.generation),
            options,
            verified: Cache::new(options.remembered),
        }
    }

    /// Who issues, `iss`; and for whom, `aud`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Issues a token to `client`. It ends by `until` at the latest.
    ///
    /// # Errors
    /// Those of the store, where there is no key yet.
    pub async fn issue(
        &self,
        client: &Client,
        bearer: Bearer,
        scopes: Scopes,
        until: Option<Timestamp>,
    ) -> Result<IssuedToken> {
        let now = self.clock.now();
        let ends = until.map_or(now + self.options.lifetime, |until| until.min(now + self.options.lifetime));
        let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
        let token = AccessToken {
            id: TokenId::fresh(now, &*self.entropy),
            client: client.id,
            bearer,
            workspace: client.workspace,
            scopes,
            issued_at: whole(now),
            expires_at: whole(ends),
        };
        let text = self.sign(AccessToken::TYPE, &token.claims(&self.issuer), now).await?;
        Ok(IssuedToken { text: text.into(), token })
    }

    /// Who shows this token. Checks the signature once and then remembers; asks each time whether the token still stands.
    ///
    /// # Errors
    /// [`Expired`](crate::Kind::Expired) for a token of ours whose time is over, [`Unauthenticated`](
    /// crate::Kind::Unauthenticated) for any other that is not good; the source is the [`Fault`]. Those of the stores.
    pub async fn verify(&self, text: &str) -> Result<Verified> {
        let now = self.clock.now();
        let token = self.find_good(text, now).await?;
        self.stand(&token, now).await
    }

    /// Whether the token says that it is ours. Nothing is verified: it tells where to ask, and no more.
    pub fn is_own(&self, text: &str) -> bool {
        let claims = text.split('.').nth(1).filter(|claims| claims.len() <= 8 * 1_024);
        let claims = claims.and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims: Option<Value> = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
        claims.is_some_and(|claims| claims["iss"] == *self.issuer)
    }

    /// The public keys, as a JWK set.
    ///
    /// # Errors
    /// Those of the store, where there is no key yet.
    pub async fn published_keys(&self) -> Result<Value> {
        let now = self.clock.now();
        Ok(self.keys.keys(now).await?.published(now))
    }

    /// Revokes a token before its time, on every node within a second.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn deny(&self, token: &AccessToken) -> Result<()> {
        self.grants.deny(token.id, token.expires_at).await
    }

    /// What a token says that is good by itself; whether it still stands is another question.
    pub(crate) async fn find_good(&self, text: &str, now: Timestamp) -> Result<Arc<AccessToken>> {
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        if let Some(token) = self.verified.get(&hash) {
            if now < token.expires_at {
                return Ok(token);
            }
            self.verified.remove(&hash);
            return Err(Fault::Expired.into());
        }
        let jws = Jws::parse(text)?;
        self.require_signature(&jws, AccessToken::TYPE, now).await?;
        let token = Arc::new(AccessToken::read(jws.claims(), &self.issuer, now)?);
        self.verified.insert(hash, token.clone());
        Ok(token)
    }

    /// Demands type, algorithm, key and signature.
    pub(super) async fn require_signature(&self, jws: &Jws<'_>, of_type: &str, now: Timestamp) -> Result<()> {
        if !jws.is_of_type(of_type) {
            return Err(Fault::Type.into());
        }
        if jws.algorithm() != SigningKey::ALGORITHM {
            return Err(Fault::Algorithm.into());
        }
        let keys = self.keys.keys(now).await?;
        let key = jws.key_id().and_then(|id| keys.find(id)).ok_or(Fault::Key)?;
        if !key.public().has_signed(jws.signed, &jws.signature) {
            return Err(Fault::Signature.into());
        }
        Ok(())
    }

    /// Signs claims as a token of this type, with the key of this moment.
    pub(super) async fn sign(&self, of_type: &str, claims: &Value, now: Timestamp) -> Result<String> {
        let keys = self.keys.keys(now).await?;
        let key = keys.signing(now).ok_or_else(|| Error::internal("there is no key for this moment"))?;
        let header = json!({"typ": of_type, "alg": SigningKey::ALGORITHM, "kid": key.id()});
        jws::write(&header, claims, |signed| key.sign(signed))
    }
}
