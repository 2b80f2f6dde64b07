//! How webhooks are sent.

use std::sync::Arc;

use waypost_adapters::egress::{Guard, GuardOptions, GuardedConnector, SystemResolver};
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
        seal_key: settings.seal_key(),
        seal_keys_before: settings.seal_keys_before(),
        dispatcher: DispatcherOptions {
            calls: sending.most_calls,
            retries: sending.retries.clone().into(),
            ..DispatcherOptions::default()
        },
        keep: sending.keep,
    }
}

/// The way to receivers. A machine that trusts no authority has none, and still serves links: what is owed waits for a
/// start with certificates.
fn transport(settings: &Settings) -> Option<Arc<dyn WebhookTransport>> {
    let sending = &settings.sending;
    let guard = Guard::new(GuardOptions { allow: sending.allow.clone(), ..GuardOptions::default() });
    // Each call may wait on a name of its own; silent names must not hold the others up.
    let places = sending.most_calls.min(crate::LOOK_UPS);
    let mut connector = GuardedConnector::new(guard).with_resolver(SystemResolver::with_places(places));
    if let Some(proxy) = &sending.proxy {
        connector = connector.through(proxy.clone());
    }
    let mut options = HttpWebhookOptions { allow_http: settings.webhook_allow_http, ..HttpWebhookOptions::default() };
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use waypost_adapters::egress::AllowRule;

    use super::*;

    #[test]
    fn what_the_settings_say_reaches_the_platform_and_what_is_let_through_is_told() {
        let mut settings = Settings::default();
        assert_eq!(beyond_the_public(&settings), None);
        settings.sending.allow = ["10.0.0.0/8:8080", ":9000"].map(|rule| AllowRule::parse(rule).unwrap()).to_vec();
        let told = beyond_the_public(&settings).unwrap();
        assert_eq!(told, "public addresses, and beyond them 10.0.0.0/8:8080, :9000");
        settings.webhook_allow_http = true;
        (settings.sending.most_calls, settings.sending.keep) = (7, Duration::from_secs(8 * 86_400));
        let options = options(&settings);
        assert!(options.allow_http && options.transport.is_some() && options.seal_key.is_none());
        assert_eq!((options.dispatcher.calls, options.keep), (7, settings.sending.keep));
    }
}
