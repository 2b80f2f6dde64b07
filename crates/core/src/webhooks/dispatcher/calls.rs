//! Calls under way.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::webhooks::message::Messages;
use crate::webhooks::{Attempt, Due, Endpoint, Load, WebhookTransport};

/// A call that has ended, or could not be written.
pub(super) struct Ended {
    pub(super) due: Due,
    pub(super) at: Timestamp,
    pub(super) outcome: Result<Made>,
}

/// A call that was made.
pub(in crate::webhooks) struct Made {
    pub(in crate::webhooks) attempt: Attempt,
    pub(super) load: Load,
    /// When the receiver wants to be called again, whatever its status.
    pub(super) asked: Option<Duration>,
}

/// The calls of a dispatcher, each a task. Dropped, it gives all of them up.
#[derive(Debug)]
pub(super) struct Calls {
    transport: Arc<dyn WebhookTransport>,
    messages: Arc<Messages>,
    clock: Arc<dyn Clock>,
    tasks: JoinSet<()>,
    ended: Arc<Mailbox>,
}

#[derive(Default)]
struct Mailbox {
    ended: Mutex<Vec<Ended>>,
    arrived: Notify,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailbox(..)")
    }
}

impl Mailbox {
    fn put(&self, ended: Ended) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(ended);
        self.arrived.notify_one();
    }
}

impl Calls {
    pub(super) fn new(transport: Arc<dyn WebhookTransport>, messages: Arc<Messages>, clock: Arc<dyn Clock>) -> Self {
        Self { transport, messages, clock, tasks: JoinSet::new(), ended: Arc::default() }
    }

    /// How many have not ended.
    pub(super) fn under_way(&mut self) -> usize {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.len()
    }

    /// Begins a call.
    pub(super) fn begin(&mut self, endpoint: &Endpoint, due: Due) {
        let (transport, messages, clock) = (self.transport.clone(), self.messages.clone(), self.clock.clone());
        let (endpoint, ended) = (endpoint.clone(), self.ended.clone());
        self.tasks.spawn(async move {
            let at = clock.now();
            let making = AssertUnwindSafe(make(&*transport, &messages, &*clock, &endpoint, &due, at)).catch_unwind();
            // One that panicked has ended like any other, or its place would be taken for good.
            let outcome = making.await.unwrap_or_else(|_| Err(Error::internal("a call panicked")));
            ended.put(Ended { due, at, outcome });
        });
    }

    /// What has ended since the last time.
    pub(super) fn ended(&self) -> Vec<Ended> {
        std::mem::take(&mut *self.ended.ended.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns when a call has ended. Cancel safe.
    pub(super) async fn wait(&self) {
        self.ended.arrived.notified().await;
    }
}

/// Makes one call, and takes down how it went.
pub(in crate::webhooks) async fn make(
    transport: &dyn WebhookTransport,
    messages: &Messages,
    clock: &dyn Clock,
    endpoint: &Endpoint,
    due: &Due,
    at: Timestamp,
) -> Result<Made> {
    let message = messages.write(endpoint, &due.delivery.event, due.delivery.position, at).await?;
    let reply = transport.call(message.call).await;
    let duration = clock.now().duration_since(at).unsigned_abs();
    let (status, is_success) = (reply.result.status, reply.result.is_success());
    let load = match status {
        // RFC 6585 §4, RFC 9110 §15.6: too much, no answer from behind, not now, too late.
        Some(429 | 502..=504) => Load::Over(reply.retry_after),
        _ => Load::Fine,
    };
    let class = reply.result.failure.as_ref().map_or("none", |failure| failure.class.as_str());
    metrics::counter!("waypost_webhook_attempts_total", "failure" => class).increment(1);
    metrics::histogram!("waypost_webhook_call_seconds").record(duration.as_secs_f64());
    if is_success {
        let since = clock.now().duration_since(due.delivery.event.created_at);
        metrics::histogram!("waypost_webhook_delivery_seconds").record(since.as_secs_f64().max(0.0));
    }
    tracing::debug!(
        endpoint = %endpoint.id, event = %due.delivery.event.id, attempt = due.attempts + 1, status, failure = class,
        traceparent = message.traceparent, "called a receiver"
    );
    let attempt = Attempt {
        number: due.attempts + 1,
        at,
        duration: Duration::from_micros(duration.as_micros() as u64),
        result: reply.result,
        traceparent: Some(message.traceparent),
    };
    Ok(Made { attempt, load, asked: reply.retry_after })
}
