//! Calls to try an endpoint: a test, and the proof that it is its owner's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::dispatcher::make;
use super::{Attempt, Delivery, Due, Endpoint, Webhooks};
use crate::credentials::{Principal, Scope};
use crate::error::{Error, Kind, Result};
use crate::events::{Event, EventType, Payload};
use crate::ids::{EventId, WebhookId};
use crate::wire::v1;

/// What came of the proof that an endpoint is its owner's.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// The endpoint as it is now.
    pub endpoint: Endpoint,
    /// Whether it has proved to be.
    pub is_proven: bool,
    /// The call.
    pub attempt: Attempt,
}

impl Webhooks {
    /// Sends `webhook.test` right away, once, whatever the endpoint's state. It is no event of the log and leaves no trace
    /// but the answer and metrics. Takes as long as the call, which the transport bounds by 15 s.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::NotFound`]; [`Kind::Unavailable`] where this node has no way to receivers; those
    /// of the stores. That the call came to nothing is no error.
    pub async fn test(&self, who: &Principal, id: WebhookId) -> Result<Attempt> {
        who.require(Scope::WebhooksWrite)?;
        let endpoint = self.fetch(who.workspace, id).await?;
        let data = v1::WebhookTest { webhook: v1::Webhook::of(&endpoint) };
        self.call(who, &endpoint, "webhook.test", &data).await
    }

    /// Has the endpoint prove that it is its owner's: `webhook.challenge` brings it a random text, which it must give back,
    /// as it is, spaces and line ends around it aside, or as the member `challenge` of a JSON object, with 2xx.
    ///
    /// # Errors
    /// As [`test`](Self::test); [`Kind::Conflict`] where the address was changed meanwhile.
    pub async fn verify(&self, who: &Principal, id: WebhookId) -> Result<Verification> {
        who.require(Scope::WebhooksWrite)?;
        let called = self.fetch(who.workspace, id).await?;
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        let challenge = URL_SAFE_NO_PAD.encode(bytes);
        let data = v1::WebhookChallenge { challenge };
        let attempt = self.call(who, &called, "webhook.challenge", &data).await?;
        if !(attempt.result.is_success() && gives_back(&attempt.result.excerpt, &data.challenge)) {
            return Ok(Verification { endpoint: called, is_proven: false, attempt });
        }
        let prove = |endpoint: &mut Endpoint, now: Timestamp| {
            if endpoint.target != called.target {
                return Err(Error::new(Kind::Conflict, "The address was changed meanwhile: verify the new one"));
            }
            (endpoint.verified_at, endpoint.updated_at) = (Some(now), now);
            Ok(())
        };
        let (endpoint, ()) = self.change(who.workspace, id, prove).await?;
        Ok(Verification { endpoint, is_proven: true, attempt })
    }

    async fn call(
        &self,
        who: &Principal,
        endpoint: &Endpoint,
        kind: &str,
        data: &(impl Serialize + Sync),
    ) -> Result<Attempt> {
        let transport = self.transport.as_ref().ok_or_else(|| {
            Error::new(Kind::Unavailable, "This server calls no webhook endpoints: its operator gave it no way to them")
        })?;
        let now = self.clock.now();
        let event = Event {
            id: EventId::fresh(now, &*self.entropy),
            kind: EventType::parse(kind).map_err(Error::internal)?,
            version: 1,
            created_at: now,
            workspace: endpoint.workspace,
            subject: Some(endpoint.id.to_string()),
            traceparent: who.traceparent.as_deref().map(str::to_owned),
            data: Payload::of(data).map_err(Error::internal)?,
        };
        // It is not in the log; whoever goes on from its cursor gets what comes after this moment.
        let position = self.bus.bounds().await?.end;
        let due = Due { delivery: Delivery { endpoint: endpoint.id, event, position, ordering: None }, attempts: 0 };
        let made = make(&**transport, &self.messages, &*self.clock, endpoint, &due, now).await;
        made.map(|made| made.attempt)
    }
}

fn gives_back(body: &str, challenge: &str) -> bool {
    // Many receivers end a text with a line end.
    body.trim() == challenge
        || serde_json::from_str::<Value>(body).is_ok_and(|body| body.get("challenge").is_some_and(|it| it == challenge))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_given_back_as_it_is_or_as_a_member() {
        for body in ["abc", " abc\r\n", r#"{"challenge": "abc"}"#, r#" {"challenge":"abc","ok":true} "#] {
            assert!(gives_back(body, "abc"), "{body}");
        }
        for body in ["", "abcd", "ok abc", "\"abc\"", r#"{"data": {"challenge": "abc"}}"#, r#"{"challenge": ["abc"]}"#]
        {
            assert!(!gives_back(body, "abc"), "{body}");
        }
    }
}
