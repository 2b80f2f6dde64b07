//! The first key of a platform.

use waypost_core::credentials::{ApiKeyText, Scopes};

use crate::failure::Failure;
use crate::settings::Settings;
use crate::store::{Store, WORKSPACE};

/// How whoever starts the server comes by a key.
#[derive(Debug)]
pub(super) enum FirstKey {
    /// Just made; shown this once.
    Made(ApiKeyText),
    /// The one that the settings name.
    Given,
    /// There are keys from before.
    Known,
}

/// Takes over the key of the settings, or makes one for a platform that has none.
///
/// # Errors
/// Those of the store, and a key of the settings that was revoked.
pub(super) async fn first_key(store: &Store, settings: &Settings) -> Result<FirstKey, Failure> {
    let credentials = &store.platform.credentials;
    let workspace = credentials.workspace(WORKSPACE).await?.id;
    if let Some(key) = &settings.admin_key {
        let kept = credentials.adopt(workspace, "admin", key.expose(), Scopes::ALL).await?;
        if !kept.is_live(store.platform.clock.now()) {
            return Err(settings.fault("admin_key", "this key was revoked or has expired; choose another one").into());
        }
        return Ok(FirstKey::Given);
    }
    if !credentials.keys(workspace).await?.is_empty() {
        return Ok(FirstKey::Known);
    }
    Ok(FirstKey::Made(credentials.issue(workspace, "admin", Scopes::ALL, None).await?.text))
}
