//! How webhooks are sent.

use std::sync::Arc;

use waypost_adapters::egress::{Guard, GuardOptions, GuardedConnector};
use waypost_adapters::webhook::{HttpWebhookOptions, HttpWebhookTransport};
use waypost_core::WebhookOptions;
use waypost_core::clock::SystemClock;
use waypost_core::webhooks::{DispatcherOptions, WebhookTransport};

use crate::settings::Settings;

/// What the settings say of webhooks.
pub(super) fn options(settings: &Settings) -> WebhookOptions {
    let sending = &settings.sending;
    WebhookOptions {
        transport: transport(settings),
        allow_http: settings.webhook_allow_http,
        seal_keys: settings.seal_keys(),
        dispatcher: DispatcherOptions { calls: sending.most_calls, ..DispatcherOptions::default() },
        keep: sending.keep,
    }
}

/// The way to receivers. A machine that trusts no authority has none, and still serves links: what is owed waits for a
/// start with certificates.
fn transport(settings: &Settings) -> Option<Arc<dyn WebhookTransport>> {
    let sending = &settings.sending;
    let guard = Guard::new(GuardOptions { allow: sending.allow.clone(), ..GuardOptions::default() });
    let mut connector = GuardedConnector::new(guard);
    if let Some(proxy) = &sending.proxy {
        connector = connector.through(proxy.clone());
    }
    let mut options = HttpWebhookOptions::default();
    // Else those that are called right now would fill what is kept.
    options.most_kept = options.most_kept.max(2 * sending.most_calls);
    match HttpWebhookTransport::new(connector, Arc::new(SystemClock), options) {
        Ok(transport) => Some(Arc::new(transport)),
        Err(error) => {
            let why = crate::failure::in_full(&error);
            tracing::warn!(error = %why, "no webhooks are sent: install the machine's certificates (ca-certificates)");
            None
        }
    }
}

/// What the guard lets through beyond public addresses, for people; nothing where it is nothing.
pub(super) fn beyond_the_public(settings: &Settings) -> Option<String> {
    let allowed: Vec<_> = settings.sending.allow.iter().map(ToString::to_string).collect();
    (!allowed.is_empty()).then(|| format!("public addresses, and beyond them {}", allowed.join(", ")))
}
