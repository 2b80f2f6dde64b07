//! What an operator says of a foreign issuer.

use std::time::Duration;

use url::Url;

use super::{Algorithm, may_ask};
use crate::credentials::{PlanName, Scopes};
use crate::error::{Error, Issue, Result};

/// A foreign issuer, and what is believed of it.
#[derive(Clone, Debug)]
pub struct IssuerOptions {
    /// Its `iss`, compared byte for byte.
    pub issuer: String,
    /// Whom its tokens must be meant for; one of these must be in `aud`.
    pub audiences: Vec<String>,
    /// How its tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// The workspace that its subjects act in.
    pub workspace: WorkspaceRule,
    /// The claim that lists scopes: a text parted by spaces, or a list.
    pub scope_claim: String,
    /// The most that its tokens may do, whatever they say.
    pub most_scopes: Scopes,
    /// The plan that its subjects are limited by; the common one if none is named.
    pub plan: Option<PlanName>,
    /// Where its keys are; by OpenID discovery if nothing is said.
    pub jwks_uri: Option<String>,
    /// Which types of tokens are taken.
    pub token_type: TokenType,
    /// For how long keys are believed while the issuer is away: a day to 30 days. Not less than a day, for which an issuer
    /// may say that its keys are to be kept.
    pub keep_stale: Duration,
}

/// How the workspace of a token is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkspaceRule {
    /// It is always this one.
    Named(String),
    /// A claim names it, out of these.
    Claim {
        /// The claim.
        claim: String,
        /// The names that it may have.
        allowed: Vec<String>,
    },
}

/// Which types of tokens are taken. ID tokens are never: they say who signed in, to somebody else, and open nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenType {
    /// `at+jwt` alone (RFC 9068 §2.1).
    #[default]
    AccessToken,
    /// Any; for issuers from before RFC 9068. Then a token is told from an ID token by its `nonce`, `at_hash` and `c_hash`
    /// alone, so the audience must be one that no client id is.
    Any,
}

impl IssuerOptions {
    /// How long keys are believed while their issuer is away: a day, in which somebody notices.
    pub const KEEP_STALE: Duration = Duration::from_secs(24 * 60 * 60);

    /// An issuer with the defaults: RS256, ES256 and EdDSA, access tokens alone, the claim `scope`, and no scope at all
    /// until `most_scopes` says which.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, workspace: WorkspaceRule) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            algorithms: vec![Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa],
            workspace,
            scope_claim: "scope".to_owned(),
            most_scopes: Scopes::default(),
            plan: None,
            jwks_uri: None,
            token_type: TokenType::default(),
            keep_stale: Self::KEEP_STALE,
        }
    }

    /// The names of the workspaces that its tokens may act in.
    pub fn workspaces(&self) -> &[String] {
        match &self.workspace {
            WorkspaceRule::Named(name) => std::slice::from_ref(name),
            WorkspaceRule::Claim { allowed, .. } => allowed,
        }
    }

    /// Checks what no type can.
    ///
    /// # Errors
    /// [`Invalid`](crate::Kind::Invalid) with every fault.
    pub fn check(&self) -> Result<()> {
        let mut issues = Vec::new();
        let mut demand = |holds: bool, field: &str, says: &str| {
            if !holds {
                issues.push(Issue::new(field, says));
            }
        };
        demand(is_issuer(&self.issuer), "issuer", "must be an https address without query and fragment");
        let audiences = &self.audiences;
        demand(!audiences.is_empty(), "audiences", "must name whom the tokens are meant for");
        demand(audiences.iter().all(|one| !one.is_empty()), "audiences", "must not be empty texts");
        demand(!self.algorithms.is_empty(), "algorithms", "must name at least one");
        demand(!self.workspaces().is_empty(), "workspaces", "must name at least one");
        demand(self.workspaces().iter().all(|name| !name.is_empty()), "workspaces", "must not be empty texts");
        demand(!self.scope_claim.is_empty(), "scope_claim", "must not be empty");
        let uri = self.jwks_uri.as_ref();
        let uri_is_good = uri.is_none_or(|uri| Url::parse(uri).is_ok_and(|uri| may_ask(&uri)));
        demand(uri_is_good, "jwks_uri", "must be an https address");
        let keep_stale = Self::KEEP_STALE..=30 * Self::KEEP_STALE;
        demand(keep_stale.contains(&self.keep_stale), "keep_stale", "must be between 1 day and 30 days");
        if issues.is_empty() { Ok(()) } else { Err(Error::invalid(issues)) }
    }
}

/// Whether a text can be an issuer: an address that may be asked, without a query (RFC 8414 §2).
pub(crate) fn is_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| may_ask(&url) && url.query().is_none())
}
