//! What the owner of an endpoint is told, and what becomes of an endpoint that keeps failing.

use std::sync::Arc;

use jiff::Timestamp;

use super::standing::DISABLED_AFTER;
use super::{Endpoint, EndpointState, WebhookStore};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::events::{Event, EventType, Payload};
use crate::ids::EventId;
use crate::outbox::Outbox;
use crate::wire::v1;

/// Tells owners of endpoints that fail, by events that other endpoints and feeds get.
#[derive(Clone, Debug)]
pub struct Notices {
    store: Arc<dyn WebhookStore>,
    outbox: Arc<dyn Outbox>,
    entropy: Arc<dyn Entropy>,
}

impl Notices {
    /// By way of `outbox`, about those in `store`.
    pub fn new(store: Arc<dyn WebhookStore>, outbox: Arc<dyn Outbox>, entropy: Arc<dyn Entropy>) -> Self {
        Self { store, outbox, entropy }
    }

    /// Warns that an endpoint has failed since `since`: `webhook.failing`.
    pub(super) async fn failing(&self, endpoint: &Endpoint, since: Timestamp, now: Timestamp) -> Result<()> {
        metrics::counter!("waypost_webhook_warnings_total").increment(1);
        tracing::warn!(endpoint = %endpoint.id, %since, "a webhook endpoint keeps failing");
        let event = self.event("webhook.failing", endpoint, since, now)?;
        self.outbox.append(&[event]).await
    }

    /// Disables an endpoint, with `webhook.disabled`, for a call that was made at `at`: one that was changed since is another
    /// matter, and stays. Gives it as it is now; `None` where it is gone.
    pub(super) async fn disable(
        &self,
        endpoint: &Endpoint,
        state: EndpointState,
        (since, at): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Option<Endpoint>> {
        loop {
            let Some(mut current) = self.store.endpoint(endpoint.workspace, endpoint.id).await? else {
                return Ok(None);
            };
            if current.state != EndpointState::Enabled || current.updated_at > at {
                return Ok(Some(current));
            }
            (current.state, current.updated_at, current.version) = (state, now, current.version + 1);
            let event = self.event("webhook.disabled", &current, since, now)?;
            if self.store.update_endpoint(&current, &[event]).await? {
                metrics::counter!("waypost_webhook_disabled_total", "reason" => state.as_str()).increment(1);
                tracing::warn!(endpoint = %current.id, reason = state.as_str(), "a webhook endpoint was disabled");
                return Ok(Some(current));
            }
        }
    }

    fn event(&self, kind: &str, endpoint: &Endpoint, since: Timestamp, now: Timestamp) -> Result<Event> {
        let data = v1::WebhookFailing {
            webhook: v1::WebhookState::of(endpoint),
            failing_since: since.into(),
            disables_at: (since + DISABLED_AFTER).into(),
        };
        Ok(Event {
            id: EventId::fresh(now, &*self.entropy),
            kind: EventType::parse(kind).map_err(Error::internal)?,
            version: 1,
            created_at: now,
            workspace: endpoint.workspace,
            subject: Some(endpoint.id.to_string()),
            traceparent: None,
            data: Payload::of(&data).map_err(Error::internal)?,
        })
    }
}
