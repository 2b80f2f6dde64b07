//! The provider that people sign in at.

use std::fmt;

use waypost_core::login::LoginOptions;
use waypost_core::members::Role;

use super::{SettingFault, Settings};

/// What is said of the provider.
#[derive(Default)]
pub(crate) struct Oidc {
    pub(crate) issuer: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<String>,
    pub(super) scopes: Option<String>,
    pub(super) role: Option<Role>,
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.issuer).field("role", &self.role).finish_non_exhaustive()
    }
}

/// A text with something in it.
pub(super) fn some(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("is empty; give it, or remove the setting".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// A role, or none.
pub(super) fn role(text: &str) -> Result<Option<Role>, String> {
    match text {
        "none" => Ok(None),
        name => Role::parse(name).map(Some).map_err(|fault| format!("{fault}, or none")),
    }
}

impl Settings {
    /// The provider, if there is one. Strangers become members of `workspace`, if they become any.
    ///
    /// # Errors
    /// A setting that is missing, or of no use.
    pub(crate) fn login(&self, workspace: &str) -> Result<Option<LoginOptions>, SettingFault> {
        let oidc = &self.oidc;
        let Some(issuer) = &oidc.issuer else {
            for key in ["oidc_client_id", "oidc_client_secret", "oidc_role"] {
                if self.is_given(key) {
                    return Err(self.fault(key, "is used by nothing; give oidc_issuer, or remove it"));
                }
            }
            return Ok(None);
        };
        let Some(client_id) = &oidc.client_id else {
            return Err(self.fault("oidc_client_id", "is missing; give what the provider calls this server"));
        };
        let mut options = LoginOptions::new(issuer, client_id, workspace);
        options.client_secret.clone_from(&oidc.client_secret);
        options.role = oidc.role;
        if let Some(scopes) = &oidc.scopes {
            options.scopes.clone_from(scopes);
        }
        options.check().map_err(|error| match error.issues() {
            [issue, ..] if issue.field == "oidc_scopes" => self.fault("oidc_scopes", issue.issue.clone()),
            [issue, ..] => self.fault("oidc_issuer", issue.issue.clone()),
            [] => self.fault("oidc_issuer", error.message()),
        })?;
        Ok(Some(options))
    }
}
