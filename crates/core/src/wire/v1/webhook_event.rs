//! The data of events about webhook endpoints.

use serde::{Deserialize, Serialize};

use super::{Time, Webhook};
use crate::webhooks;

/// The data of `webhook.failing` and `webhook.disabled`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookFailing {
    /// The endpoint as it is now.
    pub webhook: WebhookState,
    /// Since when no call of it has succeeded.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub failing_since: Time,
    /// When it is disabled, or should have been at the latest, if none succeeds until then.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub disables_at: Time,
}

/// What others may know of an endpoint: not its address, nor the headers that go there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookState {
    /// Its id.
    pub id: String,
    /// What its owner says of it.
    pub description: Option<String>,
    /// Whether it gets deliveries.
    pub enabled: bool,
    /// Why it gets none: `disabled` by its owner, `failing` for five days, or `gone` (410).
    pub disabled_reason: Option<String>,
}

impl WebhookState {
    /// Shows what others may know of an endpoint.
    pub fn of(endpoint: &webhooks::Endpoint) -> Self {
        let Webhook { id, description, enabled, disabled_reason, .. } = Webhook::of(endpoint);
        Self { id, description, enabled, disabled_reason }
    }
}

/// The data of `webhook.test`, which is sent when its owner asks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookTest {
    /// The endpoint.
    pub webhook: Webhook,
}

/// The data of `webhook.challenge`, by which an endpoint proves that it is its owner's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookChallenge {
    /// What to answer with, beside a status of 2xx: this text, or `{"challenge": "<this text>"}`.
    pub challenge: String,
}
