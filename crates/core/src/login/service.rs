//! Signing in: to the provider, and back.

use std::sync::Arc;

use serde_json::Value;
use subtle::ConstantTimeEq;
use url::Url;
use url::form_urlencoded;

use super::attempt::Seal;
use super::id_token::{self, Expected, Identity};
use super::{Attempt, LoginOptions, ReturnPath};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::error::{Error, Kind, Result};
use crate::fields;
use crate::grants::{GrantStore, Sessions, Started};
use crate::ids::WorkspaceId;
use crate::issuers::{Flaw, Issuer, IssuerHttp, Metadata};
use crate::members::Members;

/// A browser on its way to the provider.
#[derive(Debug)]
pub struct Begun {
    /// Where it goes.
    pub location: String,
    /// What it keeps meanwhile, in a cookie of its own.
    pub attempt: String,
}

/// What a browser brings back from the provider (RFC 6749 §4.1.2).
#[derive(Clone, Debug, Default)]
pub struct Callback {
    /// The code.
    pub code: Option<String>,
    /// The state that it was sent off with.
    pub state: Option<String>,
    /// Who answers (RFC 9207).
    pub issuer: Option<String>,
    /// What went wrong there.
    pub error: Option<String>,
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Finished {
    /// Somebody signed in.
    SignedIn {
        /// Their session.
        session: Box<Started>,
        /// Where they go.
        return_to: ReturnPath,
    },
    /// The provider knows them, and nobody here does: an admin must add this issuer and subject.
    Stranger {
        /// The provider.
        issuer: String,
        /// Who they are to it.
        subject: String,
    },
    /// Nobody signed in.
    Refused(Refusal),
}

/// Why nobody signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The browser brought no attempt, one that is over or was used, or another one's answer.
    NoAttempt,
    /// Somebody else than the provider answered.
    OtherIssuer,
    /// The person, or the provider, said no: its error code.
    Denied(String),
    /// The provider did not take the code: it is used up, or was given to another browser.
    Code,
    /// The provider's ID token is not good.
    Token(Flaw),
}

/// Signs people in.
#[derive(Debug)]
pub struct Login {
    options: LoginOptions,
    redirect_uri: String,
    workspace: WorkspaceId,
    issuer: Arc<Issuer>,
    http: Arc<dyn IssuerHttp>,
    grants: Arc<dyn GrantStore>,
    seal: Seal,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What a [`Login`] is put together from.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) options: LoginOptions,
    pub(crate) redirect_uri: String,
    pub(crate) workspace: WorkspaceId,
    pub(crate) http: Arc<dyn IssuerHttp>,
    pub(crate) grants: Arc<dyn GrantStore>,
    pub(crate) secret: [u8; 32],
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Login {
    pub(crate) fn new(parts: Parts) -> Result<Self> {
        let Parts { options, redirect_uri, workspace, http, grants, secret, clock, entropy } = parts;
        options.check()?;
        let keep = crate::issuers::IssuerOptions::KEEP_STALE;
        let issuer = Arc::new(Issuer::new(&*options.issuer, None, keep, http.clone(), clock.clone()));
        let seal = Seal::new(secret);
        Ok(Self { options, redirect_uri, workspace, issuer, http, grants, seal, clock, entropy })
    }

    /// The provider, for the engine that fetches its keys.
    pub(crate) fn issuer(&self) -> Arc<Issuer> {
        self.issuer.clone()
    }

    /// Sends a browser to the provider.
    ///
    /// # Errors
    /// [`Unavailable`](Kind::Unavailable) while the provider's metadata cannot be had.
    pub async fn begin(&self, return_to: ReturnPath) -> Result<Begun> {
        let metadata = self.issuer.metadata().await?;
        let mut location = metadata.authorization_endpoint.clone().ok_or_else(|| lacks("authorization_endpoint"))?;
        let attempt = self.seal.begin(return_to, self.clock.now(), &*self.entropy);
        location
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.options.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &self.options.scopes)
            .append_pair("state", &self.seal.state(&attempt))
            .append_pair("nonce", &self.seal.nonce(&attempt))
            .append_pair("code_challenge", &self.seal.challenge(&attempt))
            .append_pair("code_challenge_method", "S256");
        Ok(Begun { location: location.into(), attempt: self.seal.text(&attempt) })
    }

    /// Takes a browser back: with the attempt that it kept, what the provider sent it back with, and what it calls itself.
    /// A session that it had before ends: whoever signs in gets a new one.
    ///
    /// # Errors
    /// [`Unavailable`](Kind::Unavailable) while the provider, or a store, is away.
    pub async fn finish(
        &self,
        attempt: Option<&str>,
        callback: Callback,
        (members, sessions): (&Members, &Sessions),
        (label, before): (&str, Option<&str>),
    ) -> Result<Finished> {
        let attempt = attempt.and_then(|text| self.seal.open(text, self.clock.now()));
        let Some(attempt) = attempt.filter(|attempt| self.is_of(attempt, callback.state.as_deref())) else {
            return Ok(Finished::Refused(Refusal::NoAttempt));
        };
        if self.grants.is_denied(attempt.id, self.clock.now()).await? {
            return Ok(Finished::Refused(Refusal::NoAttempt));
        }
        // Before anything else: an attempt is for once, however it ends.
        self.grants.deny(attempt.id, attempt.until).await?;
        let metadata = self.issuer.metadata().await?;
        let other = match &callback.issuer {
            Some(issuer) => *issuer != self.options.issuer,
            None => metadata.names_itself,
        };
        if other {
            return Ok(Finished::Refused(Refusal::OtherIssuer));
        }
        let code = match (callback.error, callback.code) {
            (Some(error), _) => return Ok(Finished::Refused(Refusal::Denied(error))),
            (None, Some(code)) if !code.is_empty() => code,
            (None, _) => return Ok(Finished::Refused(Refusal::Code)),
        };
        let identity = match self.redeem(&metadata, &code, &attempt).await? {
            Ok(identity) => identity,
            Err(refusal) => return Ok(Finished::Refused(refusal)),
        };
        let Identity { subject, name, email } = identity;
        let issuer = self.options.issuer.clone();
        let user = members.sign_in(&issuer, &subject, name, email).await?;
        let Some(workspace) = members.home_of(&user, self.workspace, self.options.role).await? else {
            return Ok(Finished::Stranger { issuer, subject });
        };
        if let Some(before) = before {
            sessions.end_by_text(before).await?;
        }
        let session = Box::new(sessions.start(user.id, workspace, label).await?);
        Ok(Finished::SignedIn { session, return_to: attempt.return_to })
    }

    fn is_of(&self, attempt: &Attempt, state: Option<&str>) -> bool {
        let own = self.seal.state(attempt);
        state.is_some_and(|state| bool::from(own.as_bytes().ct_eq(state.as_bytes())))
    }

    async fn redeem(
        &self,
        metadata: &Metadata,
        code: &str,
        attempt: &Attempt,
    ) -> Result<std::result::Result<Identity, Refusal>> {
        let endpoint = metadata.token_endpoint.as_ref().ok_or_else(|| lacks("token_endpoint"))?;
        let verifier = self.seal.verifier(attempt);
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", &verifier),
        ];
        let authorization = match &self.options.client_secret {
            Some(secret) if metadata.secret_in_form => {
                fields.extend([("client_id", self.options.client_id.as_str()), ("client_secret", secret)]);
                None
            }
            Some(secret) => Some(basic(&self.options.client_id, secret)),
            None => {
                fields.push(("client_id", &self.options.client_id));
                None
            }
        };
        let answer = self.http.post_form(endpoint, &fields, authorization.as_deref()).await?;
        match answer.status {
            200 => {}
            400 | 401 => return Ok(Err(self.explain(&answer.bytes))),
            status => return Err(unusable(format!("the token endpoint answered {status}"))),
        }
        let body = fields::parse(&answer.bytes).map_err(unusable)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let token = text("id_token").ok_or_else(|| unusable("the token endpoint gave no ID token"))?;
        let nonce = self.seal.nonce(attempt);
        let now = self.clock.now();
        let expected = Expected { options: &self.options, nonce: &nonce, access_token: text("access_token"), now };
        Ok(id_token::check(token, &self.issuer, &expected).await?.map_err(Refusal::Token))
    }

    fn explain(&self, body: &[u8]) -> Refusal {
        let error = fields::parse(body).ok().and_then(|body| body.get("error")?.as_str().map(str::to_owned));
        let error = error.unwrap_or_default();
        if error != "invalid_grant" {
            // Nothing that the person could mend: our client id or secret is not what the provider has.
            tracing::error!(issuer = self.options.issuer, error, "the provider refuses to turn codes into tokens");
        }
        Refusal::Code
    }
}

/// RFC 6749 §2.3.1: id and secret as in a form, then as in RFC 7617.
fn basic(id: &str, secret: &str) -> String {
    use base64::Engine as _;
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

fn lacks(name: &str) -> Error {
    unusable(format!("its metadata name no {name} that may be asked"))
}

fn unusable(fault: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Kind::Unavailable, "The provider cannot be used at the moment").with_source(fault)
}

/// The address that providers send browsers back to, under this public address.
pub(crate) fn redirect_uri(public_url: &str) -> String {
    let uri = format!("{}/auth/callback", public_url.trim_end_matches('/'));
    Url::parse(&uri).map(String::from).unwrap_or(uri)
}
