//! What an operator says of the provider.

use std::fmt;

use crate::error::{Error, Issue, Result};
use crate::issuers::Algorithm;
use crate::members::Role;

/// The OpenID provider that people sign in at.
#[derive(Clone)]
pub struct LoginOptions {
    /// Its `iss`, compared byte for byte.
    pub issuer: String,
    /// Who we are to it.
    pub client_id: String,
    /// The secret that it gave us; `None` where PKCE alone is our proof.
    pub client_secret: Option<String>,
    /// What is asked for; `openid` must be among them.
    pub scopes: String,
    /// How its ID tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// The role that those get who sign in and are no member of `workspace`; `None` leaves it to an admin to add them.
    pub role: Option<Role>,
    /// The workspace that people begin in, where they are a member of it or become one by `role`.
    pub workspace: String,
}

impl LoginOptions {
    /// A provider with the defaults: `openid profile email`, RS256, ES256 and EdDSA, and no role for strangers.
    pub fn new(issuer: impl Into<String>, client_id: impl Into<String>, workspace: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            client_secret: None,
            scopes: "openid profile email".to_owned(),
            algorithms: vec![Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa],
            role: None,
            workspace: workspace.into(),
        }
    }

    /// Checks what no type can.
    ///
    /// # Errors
    /// [`Invalid`](crate::Kind::Invalid) with every fault.
    pub fn check(&self) -> Result<()> {
        let mut issues = Vec::new();
        if !crate::issuers::is_issuer(&self.issuer) {
            issues.push(Issue::new("oidc_issuer", "must be an https address without query and fragment"));
        }
        if self.client_id.is_empty() {
            issues.push(Issue::new("oidc_client_id", "must not be empty"));
        }
        if !self.scopes.split(' ').any(|scope| scope == "openid") {
            issues.push(Issue::new("oidc_scopes", "must hold openid"));
        }
        if self.algorithms.is_empty() {
            issues.push(Issue::new("algorithms", "must name at least one"));
        }
        if issues.is_empty() { Ok(()) } else { Err(Error::invalid(issues)) }
    }
}

impl fmt::Debug for LoginOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginOptions")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
