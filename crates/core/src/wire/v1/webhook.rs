//! Webhook endpoints on the wire.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Time;
use crate::webhooks;

/// Where a partner wants to be told of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Webhook {
    /// Its id.
    #[cfg_attr(feature = "schema", schema(example = "whk_01JD3X8M2V7Q5T9B4C6E8G0HJK"))]
    pub id: String,
    /// The workspace whose events it gets.
    pub workspace_id: String,
    /// Where to.
    pub url: String,
    /// The events that it gets.
    pub events: Vec<String>,
    /// What the fields of an event must be, by their paths: each one of the values that are listed for it.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub filter: serde_json::Value,
    /// What every delivery carries beside the platform's own headers.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub headers: serde_json::Value,
    /// What its owner says of it.
    pub description: Option<String>,
    /// What a delivery's body looks like: `waypost` or `cloudevents`.
    pub format: String,
    /// The version of events' data that it was registered for.
    pub payload_version: u16,
    /// In which order it gets deliveries: `none` or `subject`.
    pub ordering: String,
    /// How many deliveries a second it takes at most.
    pub rate_limit: Option<u32>,
    /// How many deliveries may be under way at a time.
    pub concurrency: u16,
    /// How deliveries are signed: `hmac-sha256`, or `ed25519` beside it.
    pub signature: String,
    /// Whether it gets any.
    pub enabled: bool,
    /// Why it gets none: `disabled` by its owner, `failing` for five days, or `gone` (410).
    pub disabled_reason: Option<String>,
    /// When its owner proved that it is theirs.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub verified_at: Option<Time>,
    /// When it was registered.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub created_at: Time,
    /// When it was last changed.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub updated_at: Time,
    /// The secret that deliveries are signed with (Standard Webhooks). Only in the answer that registers it or rotates its
    /// secret, and there only the first time: a replay has `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Once>,
}

/// A secret that is shown once; `null` in a replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Once(pub Option<String>);

impl Webhook {
    /// Shows an endpoint.
    pub fn of(endpoint: &webhooks::Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            workspace_id: endpoint.workspace.to_string(),
            url: endpoint.target.as_str().to_owned(),
            events: endpoint.events.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
            filter: endpoint.filter.to_json(),
            headers: endpoint.headers.to_json(),
            description: endpoint.description.clone(),
            format: endpoint.format.as_str().to_owned(),
            payload_version: endpoint.payload_version,
            ordering: endpoint.ordering.as_str().to_owned(),
            rate_limit: endpoint.rate_limit.map(std::num::NonZeroU32::get),
            concurrency: endpoint.concurrency.get(),
            signature: endpoint.scheme.as_str().to_owned(),
            enabled: endpoint.state == webhooks::EndpointState::Enabled,
            disabled_reason: match endpoint.state {
                webhooks::EndpointState::Enabled => None,
                state => Some(state.as_str().to_owned()),
            },
            verified_at: endpoint.verified_at.map(Time),
            created_at: endpoint.created_at.into(),
            updated_at: endpoint.updated_at.into(),
            secret: None,
        }
    }
}

/// What a new endpoint shall be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RegisterWebhook {
    /// Where to: an absolute `https` URL of at most 2,048 bytes.
    #[cfg_attr(feature = "schema", schema(example = "https://partner.example/hooks", max_length = 2048))]
    pub url: String,
    /// The events: types as `link.created`, kinds as `link.*`, or `*`.
    #[cfg_attr(feature = "schema", schema(min_items = 1, max_items = 64))]
    pub events: Vec<String>,
    /// What the fields of an event must be: paths as `subject` or `data.link.domain`, at most 8, each with the list of
    /// values that it may have, at most 32.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub filter: Option<Map<String, Value>>,
    /// What every delivery carries beside the platform's own headers: at most 16, of up to 1,024 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub headers: Option<Map<String, Value>>,
    /// What its owner says of it; at most 512 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_length = 512))]
    pub description: Option<String>,
    /// Whether it gets any; yes if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What a delivery's body looks like: `waypost` (default) or `cloudevents`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The version of events' data that the receiver was written for; the newest if absent. Cannot be changed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1))]
    pub payload_version: Option<u16>,
    /// In which order it gets deliveries: `none` (default), or `subject`: those of one subject one after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordering: Option<String>,
    /// How many deliveries a second it takes at most; no limit if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 10000))]
    pub rate_limit: Option<u32>,
    /// How many deliveries may be under way at a time; 64 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1000))]
    pub concurrency: Option<u16>,
    /// How deliveries are signed: `hmac-sha256` (default), or `ed25519` beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// What to change of an endpoint (RFC 7396 merge patch): what is absent stays, what is null is as if it had never been said.
///
/// Here `None` is absent and `Some(None)` is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateWebhook {
    /// Where to. Another address has to be verified anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_length = 2048))]
    pub url: Option<String>,
    /// The events, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(min_items = 1, max_items = 64))]
    pub events: Option<Vec<String>>,
    /// What the fields of an event must be, merged path by path.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub filter: Option<Option<Map<String, Value>>>,
    /// What every delivery carries, merged name by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub headers: Option<Option<Map<String, Value>>>,
    /// What its owner says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, max_length = 512))]
    pub description: Option<Option<String>>,
    /// Whether it gets any. `true` brings back one that failed or was gone, and what was noted of it is forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What a delivery's body looks like: `waypost` or `cloudevents`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// In which order it gets deliveries: `none` or `subject`. Holds for events from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordering: Option<String>,
    /// How many deliveries a second it takes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u32>, minimum = 1, maximum = 10000))]
    pub rate_limit: Option<Option<u32>>,
    /// How many deliveries may be under way at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u16>, minimum = 1, maximum = 1000))]
    pub concurrency: Option<Option<u16>>,
    /// How deliveries are signed: `hmac-sha256` or `ed25519`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}
