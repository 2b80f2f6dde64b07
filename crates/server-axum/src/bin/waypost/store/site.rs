//! The public face, as the settings describe it.

use std::net::SocketAddr;

use waypost_core::links::{DestinationRules, Site};

use crate::failure::Failure;
use crate::settings::Settings;

/// The public address: the one that is set, else that of the listener as one reaches it from this machine.
pub(crate) fn public_url(settings: &Settings, listen: Option<SocketAddr>) -> String {
    if let Some(url) = &settings.public_url {
        return url.clone();
    }
    let scheme = if settings.tls_certificate.is_some() { "https" } else { "http" };
    match listen {
        Some(address) if address.ip().is_unspecified() => {
            format!("{scheme}://localhost:{}", address.port())
        }
        Some(address) => format!("{scheme}://{address}"),
        None => format!("{scheme}://127.0.0.1:8080"),
    }
}

/// The public face that the settings describe.
///
/// # Errors
/// A setting that does not fit.
pub(crate) fn site(settings: &Settings, public_url: String) -> Result<Site, Failure> {
    let rules = DestinationRules {
        schemes: settings.destination_schemes.clone(),
        allow_private: settings.allow_private_destinations,
        own: Vec::new(),
    };
    let site = Site::new(&public_url, &settings.domains, rules);
    site.map_err(|fault| settings.fault("public_url", format!("{fault}; correct it or domains")).into())
}
