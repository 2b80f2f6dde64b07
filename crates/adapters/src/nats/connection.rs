//! The connection, and what is asked of JetStream over it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::{Context, ErrorCode};
use async_nats::{Client, Event, Request};
use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use waypost_core::Result;
use waypost_core::health::Probe;

use super::error::Fault;
use super::options::NatsOptions;

/// How many events of one publish may be on their way to the log at once: a batch of the relay.
pub(super) const IN_FLIGHT: usize = 1_000;
/// How many publishes may be under way at once; the others wait in line. A relay makes one at a time.
const PUBLISHES: usize = 4;

/// A connection to NATS. Clones share it; it reconnects by itself for as long as it is held.
#[derive(Clone, Debug)]
pub struct Nats {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    jetstream: Context,
    options: NatsOptions,
    publishes: Semaphore,
    /// Counts the connections that were made, for those who must know that there was a gap.
    connected: watch::Sender<u64>,
    /// The bucket that groups stand in. It is known by its name, so one that is made anew is the same to us.
    groups: OnceLock<Store>,
}

impl Nats {
    /// Connects, and makes the log and the bucket of groups if they are not there.
    ///
    /// # Errors
    /// [`Unavailable`](waypost_core::Kind::Unavailable) when no server answers within
    /// [`connect_timeout`](NatsOptions::connect_timeout), or has no JetStream; [`Invalid`](waypost_core::Kind::Invalid)
    /// for an address that is not one; [`Conflict`](waypost_core::Kind::Conflict) when something else has the log's
    /// name or its subjects.
    pub async fn open(options: impl Into<NatsOptions>) -> Result<Self> {
        // Boxed: what is large is compiled here, once, and not in each program that opens a connection.
        let options = options.into();
        let opened: Result<Self, Fault> = Box::pin(Self::open_with(options)).await;
        Ok(opened?)
    }

    async fn open_with(options: NatsOptions) -> Result<Self, Fault> {
        options.check()?;
        let connected = watch::Sender::new(0_u64);
        let counted = connected.clone();
        let connection = options.connection()?.event_callback(move |event| {
            match event {
                Event::Connected => counted.send_modify(|count| *count += 1),
                event => tracing::debug!(%event, "the connection to NATS"),
            }
            std::future::ready(())
        });
        let connecting = connection.connect(options.addresses()?);
        let client = match tokio::time::timeout(options.connect_timeout, connecting).await {
            Ok(connected) => connected?,
            Err(_) => return Err(Fault::Away),
        };
        let jetstream = ContextBuilder::new()
            .timeout(options.timeout)
            .ack_timeout(options.timeout)
            // As many again for publishes that were given up, so that no publish waits for what itself or another
            // holds.
            .max_ack_inflight(2 * PUBLISHES * IN_FLIGHT)
            .build(client.clone());
        let publishes = Semaphore::new(PUBLISHES);
        let inner = Inner { client, jetstream, options, publishes, connected, groups: OnceLock::new() };
        let nats = Self { inner: Arc::new(inner) };
        nats.establish().await?;
        Ok(nats)
    }

    /// Ends it: lets what was handed over go out, and closes the connection. Later calls are
    /// [`Unavailable`](waypost_core::Kind::Unavailable).
    pub async fn close(&self) {
        // It fails only where the connection is closed already.
        let _ = self.inner.client.drain().await;
    }

    /// Asks JetStream's API. A call that finds the connection down fails at once; it does not wait in line for the
    /// next.
    pub(super) async fn ask(&self, call: &str, body: &Value) -> Result<Value, Fault> {
        let payload = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::new().payload(payload.into());
        let answer = self.client()?.send_request(format!("$JS.API.{call}"), request).await?;
        let answer: Value = serde_json::from_slice(&answer.payload).map_err(|_| Fault::Form("an answer"))?;
        match answer.get("error") {
            None => Ok(answer),
            Some(error) => {
                let code = error["err_code"].as_u64().unwrap_or_default();
                Err(Fault::Refused(ErrorCode(code), error["description"].as_str().unwrap_or_default().to_owned()))
            }
        }
    }

    /// The connection, if it is up.
    pub(super) fn client(&self) -> Result<&Client, Fault> {
        match self.inner.client.connection_state() {
            State::Connected => Ok(&self.inner.client),
            State::Pending | State::Disconnected => Err(Fault::Away),
        }
    }

    /// JetStream, if the connection is up.
    pub(super) fn jetstream(&self) -> Result<&Context, Fault> {
        self.client().map(|_| &self.inner.jetstream)
    }

    /// A place among those who publish at the moment.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, Fault> {
        self.inner.publishes.acquire().await.map_err(|_| Fault::Away)
    }

    /// The bucket that groups stand in, if the connection is up.
    pub(super) fn groups(&self) -> Result<&Store, Fault> {
        self.client()?;
        self.inner.groups.get().ok_or(Fault::Away)
    }

    /// Keeps the bucket that was made or found.
    pub(super) fn found_groups(&self, store: Store) {
        self.inner.groups.get_or_init(|| store);
    }

    /// Tells of every connection that is made from now on.
    pub(super) fn connections(&self) -> watch::Receiver<u64> {
        self.inner.connected.subscribe()
    }

    pub(super) fn options(&self) -> &NatsOptions {
        &self.inner.options
    }

    /// How long the server may take to answer.
    pub(super) fn patience(&self) -> Duration {
        self.inner.options.timeout
    }
}

/// Whether NATS answers, and keeps the log.
#[derive(Clone, Debug)]
pub struct NatsProbe {
    nats: Nats,
}

impl NatsProbe {
    /// A probe of `nats`.
    pub fn new(nats: &Nats) -> Self {
        Self { nats: nats.clone() }
    }
}

#[async_trait]
impl Probe for NatsProbe {
    fn name(&self) -> &str {
        "nats"
    }

    async fn check(&self) -> Result<()> {
        self.nats.bounds().await?;
        Ok(())
    }
}
