//! Whom a foreign token speaks for.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use quick_cache::sync::Cache;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use super::claims::Claims;
use super::flaw::Flaw;
use super::issuer::Issuer;
use super::jws::Jws;
use super::options::{IssuerOptions, TokenType, WorkspaceRule};
use super::port::IssuerHttp;
use crate::clock::Clock;
use crate::credentials::{Actor, PlanName, Principal, Scope, Scopes};
use crate::error::{Error, Kind, Result};
use crate::ids::{SubjectId, WorkspaceId};

/// Verified tokens that are remembered; about 3 MB when full. More are verified anew, which costs some 100 µs each.
const REMEMBERED: usize = 10_000;

/// Whom a token speaks for, by the word of an issuer that is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The issuer.
    pub issuer: Arc<str>,
    /// Who it is to the issuer.
    pub subject: String,
    /// The same as an id of ours.
    pub id: SubjectId,
    /// The workspace that they act in.
    pub workspace: WorkspaceId,
    /// What they may do.
    pub scopes: Scopes,
    /// The plan that they are limited by.
    pub plan: Option<PlanName>,
    /// When the token ends.
    pub expires_at: Timestamp,
}

impl Vouched {
    /// The principal that shows the token.
    pub fn principal(&self) -> Principal {
        Principal {
            workspace: self.workspace,
            actor: Actor::Subject(self.id),
            scopes: self.scopes,
            plan: self.plan.clone(),
            traceparent: None,
        }
    }
}

/// The issuers that are trusted, and the tokens of theirs that were verified.
#[derive(Debug)]
pub struct Issuers {
    trusted: Vec<Trusted>,
    workspaces: HashMap<String, WorkspaceId>,
    verified: Cache<[u8; 32], Arc<Vouched>>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Trusted {
    options: IssuerOptions,
    name: Arc<str>,
    issuer: Arc<Issuer>,
}

impl Issuers {
    /// Trusts these issuers; `workspaces` are the ids of all workspaces that they name.
    ///
    /// # Errors
    /// [`Invalid`](Kind::Invalid) for options that are none, and for two that name one issuer.
    pub fn new(
        options: Vec<IssuerOptions>,
        workspaces: HashMap<String, WorkspaceId>,
        http: &Arc<dyn IssuerHttp>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let mut trusted: Vec<Trusted> = Vec::new();
        for options in options {
            options.check()?;
            if trusted.iter().any(|other| other.options.issuer == options.issuer) {
                return Err(Error::new(Kind::Invalid, format!("The issuer {} stands twice", options.issuer)));
            }
            let jwks_uri = options.jwks_uri.as_deref().and_then(|uri| Url::parse(uri).ok());
            let issuer = Issuer::new(&*options.issuer, jwks_uri, options.keep_stale, http.clone(), clock.clone());
            trusted.push(Trusted { name: options.issuer.as_str().into(), issuer: Arc::new(issuer), options });
        }
        Ok(Self { trusted, workspaces, verified: Cache::new(REMEMBERED), clock })
    }

    /// No issuer at all.
    pub fn none(clock: Arc<dyn Clock>) -> Self {
        Self { trusted: Vec::new(), workspaces: HashMap::new(), verified: Cache::new(1), clock }
    }

    /// Whether any issuer is trusted.
    pub fn any(&self) -> bool {
        !self.trusted.is_empty()
    }

    /// Whether a text looks like a token of an issuer that is trusted: nothing is verified.
    pub fn knows(&self, text: &str) -> bool {
        !self.trusted.is_empty() && Jws::issuer_of(text).is_some_and(|issuer| self.trusted(&issuer).is_some())
    }

    /// The issuers, for the engine that fetches their keys.
    pub(crate) fn all(&self) -> Vec<Arc<Issuer>> {
        self.trusted.iter().map(|trusted| trusted.issuer.clone()).collect()
    }

    fn trusted(&self, issuer: &str) -> Option<&Trusted> {
        self.trusted.iter().find(|trusted| trusted.options.issuer == issuer)
    }

    /// Whom a token speaks for. One that was verified is believed until its `exp`, without its signature being checked
    /// again: what its issuer takes back before is believed that long.
    ///
    /// # Errors
    /// [`Expired`](Kind::Expired) for one that was good; [`Unauthenticated`](Kind::Unauthenticated) for every other that
    /// is not, with the [`Flaw`] as its source; [`Unavailable`](Kind::Unavailable) while its issuer's keys cannot be had.
    pub async fn verify(&self, text: &str) -> Result<Arc<Vouched>> {
        if text.len() > super::jws::LONGEST {
            return Err(refusal(Flaw::TooLong));
        }
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        if let Some(vouched) = self.verified.get(&hash)
            && vouched.expires_at > self.clock.now()
        {
            return Ok(vouched);
        }
        let token = Jws::parse(text).map_err(refusal)?;
        let trusted = match token.claims.get("iss") {
            Some(Value::String(issuer)) => self.trusted(issuer).ok_or_else(|| refusal(Flaw::Issuer))?,
            _ => return Err(refusal(Flaw::Claim("iss"))),
        };
        trusted.check_header(&token).map_err(refusal)?;
        trusted.issuer.check(&token).await?.map_err(refusal)?;
        let claims = Claims(token.claims);
        let vouched = self.read(trusted, &claims).map_err(refusal)?;
        let vouched = Arc::new(vouched);
        self.verified.insert(hash, vouched.clone());
        Ok(vouched)
    }

    fn read(&self, trusted: &Trusted, claims: &Claims) -> Result<Vouched, Flaw> {
        let options = &trusted.options;
        // RFC 9068 §2.2 has no such claims; OpenID Connect Core §2 has.
        if ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.0.contains_key(*name)) {
            return Err(Flaw::IdToken);
        }
        let audiences = claims.audiences()?;
        if !audiences.iter().any(|audience| options.audiences.iter().any(|own| own == audience)) {
            return Err(Flaw::Audience);
        }
        let expires_at = claims.check_times(self.clock.now())?;
        let subject = claims.must("sub")?;
        let workspace = match &options.workspace {
            WorkspaceRule::Named(name) => Some(name.as_str()),
            WorkspaceRule::Claim { claim, allowed } => {
                let named = claims.0.get(claim).and_then(Value::as_str);
                named.filter(|named| allowed.iter().any(|allowed| allowed == named))
            }
        };
        let workspace = workspace.and_then(|name| self.workspaces.get(name)).ok_or(Flaw::Workspace)?;
        Ok(Vouched {
            issuer: trusted.name.clone(),
            subject: subject.to_owned(),
            id: subject_id(&options.issuer, subject),
            workspace: *workspace,
            scopes: scopes(claims.0.get(&options.scope_claim))?.intersection(options.most_scopes),
            plan: options.plan.clone(),
            expires_at,
        })
    }
}

impl Trusted {
    fn check_header(&self, token: &Jws<'_>) -> Result<(), Flaw> {
        if !self.options.algorithms.contains(&token.algorithm) {
            return Err(Flaw::Algorithm);
        }
        let typ = token.typ.as_deref().unwrap_or_default();
        let typ = typ.get(..12).filter(|start| start.eq_ignore_ascii_case("application/")).map_or(typ, |_| &typ[12..]);
        match self.options.token_type {
            TokenType::AccessToken if !typ.eq_ignore_ascii_case("at+jwt") => Err(Flaw::Type),
            _ => Ok(()),
        }
    }
}

/// Who it is: the first 128 bits of the SHA-256 of issuer, 0 and subject, so that two issuers' subjects never meet.
fn subject_id(issuer: &str, subject: &str) -> SubjectId {
    let digest = Sha256::new().chain_update(issuer).chain_update([0]).chain_update(subject).finalize();
    let mut bits = [0; 16];
    bits.copy_from_slice(&digest[..16]);
    SubjectId::from_bytes(bits)
}

/// The scopes of ours that a claim lists. Issuers have scopes of their own beside them.
fn scopes(claim: Option<&Value>) -> Result<Scopes, Flaw> {
    let known = |name: &str| Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
    match claim {
        None => Ok(Scopes::default()),
        Some(Value::String(names)) => Ok(names.split(' ').filter_map(known).collect()),
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => {
            Ok(names.iter().filter_map(Value::as_str).filter_map(known).collect())
        }
        Some(_) => Err(Flaw::Claim("scope")),
    }
}

/// Words for clients that give nothing away; the flaw is for the log.
fn refusal(flaw: Flaw) -> Error {
    let error = match flaw {
        Flaw::Expired => Error::new(Kind::Expired, "The token has expired"),
        _ => Error::new(Kind::Unauthenticated, "The token is not one that is trusted here"),
    };
    error.with_source(flaw)
}
