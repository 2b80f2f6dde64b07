//! Whom tokens and people are believed by.

use std::sync::Arc;

use waypost_adapters::oidc::{OidcHttp, OidcOptions};
use waypost_core::IdentityOptions;
use waypost_core::issuers::IssuerHttp;

use crate::failure::Failure;
use crate::settings::Settings;
use crate::store::WORKSPACE;

/// What the settings say of issuers and of the provider.
///
/// # Errors
/// A setting that does not fit.
pub(super) fn options(settings: &Settings) -> Result<IdentityOptions, Failure> {
    let (issuers, login) = (settings.issuers.clone(), settings.login(WORKSPACE)?);
    if issuers.is_empty() && login.is_none() {
        return Ok(IdentityOptions::default());
    }
    let http: Arc<dyn IssuerHttp> = Arc::new(OidcHttp::new(&OidcOptions::default())?);
    Ok(IdentityOptions { http: Some(http), issuers, login })
}
