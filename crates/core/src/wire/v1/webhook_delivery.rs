//! Deliveries to webhook endpoints on the wire.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::webhooks;

/// An event that is owed to an endpoint, or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookDelivery {
    /// Its id within its endpoint.
    #[cfg_attr(feature = "schema", schema(example = "dlv_01JD3X8M2V7Q5T9B4C6E8G0HJK"))]
    pub id: String,
    /// The endpoint.
    pub webhook_id: String,
    /// The event, which is also the `webhook-id` of each call.
    pub event_id: String,
    /// The event's type.
    pub event: String,
    /// The thing that it happened to.
    pub subject: Option<String>,
    /// `waiting` for its first or next call, `delivered`, or `failed`: given up until somebody asks for it again.
    pub status: String,
    /// When it is due, if it is waiting; null while an earlier one of its subject is owed to an endpoint that asks for order.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub due_at: Option<Time>,
    /// Why it was given up, if it was.
    pub reason: Option<String>,
    /// When the event was made.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub created_at: Time,
    /// How many calls were made for it.
    pub attempt_count: u32,
    /// The last of them.
    pub last_attempt: Option<WebhookAttempt>,
    /// All of them, oldest first; only where one delivery is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<WebhookAttempt>>,
}

impl WebhookDelivery {
    /// Shows a delivery, without its attempts.
    pub fn of(record: &webhooks::DeliveryRecord) -> Self {
        let (delivery, event) = (&record.delivery, &record.delivery.event);
        let (due_at, reason) = match &record.state {
            webhooks::DeliveryState::Waiting(due_at) => (due_at.map(Time), None),
            webhooks::DeliveryState::Delivered => (None, None),
            webhooks::DeliveryState::Failed(reason) => (None, Some(reason.clone())),
        };
        Self {
            id: delivery.id().to_string(),
            webhook_id: delivery.endpoint.to_string(),
            event_id: event.id.to_string(),
            event: event.kind.to_string(),
            subject: event.subject.clone(),
            status: record.state.status().as_str().to_owned(),
            due_at,
            reason,
            created_at: event.created_at.into(),
            attempt_count: record.attempts,
            last_attempt: record.last.as_ref().map(WebhookAttempt::of),
            attempts: None,
        }
    }

    /// Shows a delivery with its attempts.
    pub fn with(record: &webhooks::DeliveryRecord, attempts: &[webhooks::Attempt]) -> Self {
        Self { attempts: Some(attempts.iter().map(WebhookAttempt::of).collect()), ..Self::of(record) }
    }
}

/// One call of an endpoint, and how it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookAttempt {
    /// Which call, from 1; begins anew when somebody asks for the delivery again.
    pub number: u32,
    /// When it was made.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub at: Time,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The status that was answered, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong: `dns`, `blocked address`, `refused`, `tls`, `timeout`, `broken` or `status`; null where all went well.
    pub error: Option<String>,
    /// The same in more words.
    pub detail: Option<String>,
    /// The beginning of the answer's body, at most 16 KiB of it.
    pub response: String,
    /// The trace that the call belongs to (W3C Trace Context), as it was sent along.
    pub traceparent: Option<String>,
}

impl WebhookAttempt {
    /// Shows a call.
    pub fn of(attempt: &webhooks::Attempt) -> Self {
        let failure = attempt.result.failure.as_ref();
        Self {
            number: attempt.number,
            at: attempt.at.into(),
            duration_ms: u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX),
            status: attempt.result.status,
            error: failure.map(|failure| failure.class.as_str().to_owned()),
            detail: failure.map(|failure| failure.detail.clone()),
            response: attempt.result.excerpt.clone(),
            traceparent: attempt.traceparent.clone(),
        }
    }
}

/// What came of a test call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TestedWebhook {
    /// Whether the endpoint took it: 2xx, in time.
    pub delivered: bool,
    /// The call.
    pub attempt: WebhookAttempt,
}

/// What came of the proof that an endpoint is its owner's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct VerifiedWebhook {
    /// Whether it has proved to be.
    pub verified: bool,
    /// The call that asked for the proof.
    pub attempt: WebhookAttempt,
}

/// Which dead letters are to be owed again; every condition must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RecoverWebhook {
    /// Of events that were made at this moment or later.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub since: Time,
    /// Of events that were made before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Time>,
    /// Of one of these types.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_items = 64))]
    pub types: Option<Vec<String>>,
    /// Whose last call failed in one of these ways, as in `error` of an attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_items = 7))]
    pub errors: Option<Vec<String>>,
}

/// How many dead letters are owed again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecoveredWebhook {
    /// How many; at most 10,000 in one call.
    pub retried: u64,
    /// Whether there may be more: ask again.
    pub has_more: bool,
}

/// Which events are to be sent that never were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplayWebhook {
    /// Those that were made at this moment or later, also before the endpoint was registered.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub since: Time,
    /// Those that were made before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Time>,
    /// `next_cursor` of the part before, with the same `since` and `until`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// How many events are owed that never were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReplayedWebhook {
    /// How many deliveries were made.
    pub created: u64,
    /// What to pass as `cursor` to go on; null at the end.
    pub next_cursor: Option<String>,
    /// Whether the end of the log was not reached.
    pub has_more: bool,
}

/// How an endpoint has been doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookStats {
    /// Calls from this hour on are counted.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub since: Time,
    /// How many calls were made.
    pub attempts: u64,
    /// How many of them succeeded.
    pub succeeded: u64,
    /// How many of them failed.
    pub failed: u64,
    /// The share that succeeded, from 0 to 1; null without calls.
    pub success_rate: Option<f64>,
    /// How long calls took.
    pub latency: WebhookLatency,
}

/// How long calls took at most, in milliseconds: as upper bounds of classes, 5, 10, 25 and so on up to 10,000, then 15,000,
/// by which every call is over. Null without calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookLatency {
    /// Half of them.
    pub p50_ms: Option<u64>,
    /// 95 % of them.
    pub p95_ms: Option<u64>,
    /// 99 % of them.
    pub p99_ms: Option<u64>,
}

/// The time that a call has in all, in milliseconds (contract §11).
const LONGEST_CALL: u64 = 15_000;

impl WebhookStats {
    /// Shows what was measured since an hour.
    pub fn of(since: jiff::Timestamp, measures: &webhooks::Measures) -> Self {
        let attempts = measures.succeeded + measures.failed;
        let at = |share| {
            let bound = measures.quantile(share).map_or(LONGEST_CALL, |bound| bound.as_millis() as u64);
            (attempts > 0).then_some(bound)
        };
        Self {
            since: since.into(),
            attempts,
            succeeded: measures.succeeded,
            failed: measures.failed,
            success_rate: (attempts > 0).then(|| measures.succeeded as f64 / attempts as f64),
            latency: WebhookLatency { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99) },
        }
    }
}
