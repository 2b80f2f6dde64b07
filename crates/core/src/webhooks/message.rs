//! What a call carries.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::signature::{self, ID_HEADER, SIGNATURE_HEADER, Scheme, TIMESTAMP_HEADER};
use super::{Endpoint, Format, SealedSecret, WebhookCall, WebhookSecret};
use crate::credentials::Credentials;
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::events::{Event, Position, binding};
use crate::ids::WebhookId;
use crate::page::Cursors;
use crate::seal::Seal;
use crate::tokens::KeyRing;
use crate::wire::v1;

const USER_AGENT: &str = concat!("Waypost/", env!("CARGO_PKG_VERSION"));

/// Writes calls, and signs them.
#[derive(Debug)]
pub struct Messages {
    pub(crate) seal: Arc<Seal>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) cursors: Arc<Cursors>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// A call, and the trace that it belongs to.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) call: WebhookCall,
    pub(super) traceparent: String,
}

impl Messages {
    /// Opens secrets by `seal`, and seals positions by `cursors`. The keys of Ed25519 are drawn from `credentials`;
    /// another `generation` is other keys altogether.
    pub fn new(
        seal: Arc<Seal>,
        cursors: Arc<Cursors>,
        credentials: Credentials,
        generation: u32,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { seal, keys: Arc::new(KeyRing::new(credentials, "webhook-key", generation)), cursors, entropy }
    }

    /// Seals a secret of the endpoint `id` for its stay in a store.
    ///
    /// # Errors
    /// None in practice; see [`Seal::close`].
    pub fn seal(&self, id: WebhookId, secret: &WebhookSecret, now: Timestamp) -> Result<SealedSecret> {
        let sealed = self.seal.close(secret.expose_bytes(), id.to_string().as_bytes(), &*self.entropy)?;
        Ok(SealedSecret { sealed, made_at: now, ends_at: None })
    }

    /// Writes the call that brings `event`, which is at `position` in the log, to `endpoint`, at the moment `now`.
    ///
    /// # Errors
    /// [`Internal`](crate::Kind::Internal) where a secret cannot be opened; those of the store that has the keys.
    pub(super) async fn write(
        &self,
        endpoint: &Endpoint,
        event: &Event,
        position: Position,
        now: Timestamp,
    ) -> Result<Message> {
        let cursor = self.cursors.seal(&binding(event.workspace), &position.to_bytes());
        let (body, content_type) = match endpoint.format {
            Format::Waypost => (written(&v1::Event::of(event, cursor).map_err(Error::internal)?)?, "application/json"),
            Format::CloudEvents => (
                written(&v1::CloudEvent::of(event, cursor).map_err(Error::internal)?)?,
                "application/cloudevents+json; charset=utf-8",
            ),
        };
        let id = event.id.to_string();
        let signatures = self.sign(endpoint, &signature::signed_content(&id, now, &body), now).await?;
        let traceparent = self.traceparent(event.traceparent.as_deref());
        let mut headers: Vec<(String, String)> = [
            ("content-type", content_type),
            ("user-agent", USER_AGENT),
            ("traceparent", &traceparent),
            (ID_HEADER, &id),
            (TIMESTAMP_HEADER, &now.as_second().to_string()),
            (SIGNATURE_HEADER, &signatures),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        headers.extend(endpoint.headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(Message { call: WebhookCall { target: endpoint.target.clone(), headers, body }, traceparent })
    }

    async fn sign(&self, endpoint: &Endpoint, content: &[u8], now: Timestamp) -> Result<String> {
        let owner = endpoint.id.to_string();
        let mut signatures = Vec::with_capacity(2);
        for secret in endpoint.secrets.iter().filter(|secret| secret.is_live(now)) {
            let secret = WebhookSecret::from_bytes(self.seal.open(&secret.sealed, owner.as_bytes())?);
            signatures.push(signature::sign(&secret.map_err(Error::internal)?, content));
        }
        if endpoint.scheme == Scheme::Ed25519 {
            let keys = self.keys.keys(now).await?;
            let key = keys.signing(now).ok_or_else(|| Error::internal("there is no key to sign with"))?;
            signatures.push(signature::encoded("v1a", &key.sign(content)?));
        }
        Ok(signatures.join(" "))
    }

    /// A span of its own in the event's trace, or in a new one (W3C Trace Context §3.2).
    fn traceparent(&self, event: Option<&str>) -> String {
        let mut bytes = [0; 24];
        self.entropy.fill(&mut bytes);
        let (trace, span) = bytes.split_at(16);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let known = event.and_then(|text| {
            let mut parts = text.split('-').skip(1);
            let (trace, _, flags) = (parts.next()?, parts.next()?, parts.next()?);
            (trace.len() == 32 && flags.len() == 2).then(|| (trace.to_owned(), flags.to_owned()))
        });
        let (trace, flags) = known.unwrap_or_else(|| (hex(trace), "00".to_owned()));
        format!("00-{trace}-{}-{flags}", hex(span))
    }
}

fn written(body: &impl serde::Serialize) -> Result<Bytes> {
    serde_json::to_vec(body).map(Bytes::from).map_err(Error::internal)
}
