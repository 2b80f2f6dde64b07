//! Events on the wire.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Link, StatsCounts, Time};
use crate::events;

/// Something that happened, as every channel shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Event {
    /// Its id, the same on every channel and every delivery.
    pub id: String,
    /// What happened, say `link.created`.
    pub event: String,
    /// Which version of the data's schema.
    pub version: u16,
    /// When.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub created_at: Time,
    /// Whose it is.
    pub workspace_id: String,
    /// The thing that it happened to.
    pub subject: Option<String>,
    /// Where to go on after it.
    pub cursor: String,
    /// The trace of the request that caused it.
    pub traceparent: Option<String>,
    /// What a listener wants to know; its schema is at `/v1/event-types/{event}`.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub data: Box<RawValue>,
}

impl Event {
    /// Shows an event under its cursor.
    ///
    /// # Errors
    /// Where a store kept data that is not JSON.
    pub fn of(event: &events::Event, cursor: String) -> Result<Self, serde_json::Error> {
        Ok(Self {
            id: event.id.to_string(),
            event: event.kind.to_string(),
            version: event.version,
            created_at: event.created_at.into(),
            workspace_id: event.workspace.to_string(),
            subject: event.subject.clone(),
            cursor,
            traceparent: event.traceparent.clone(),
            data: RawValue::from_string(event.data.as_str().to_owned())?,
        })
    }
}

/// Something that happened, as a CloudEvent (CloudEvents 1.0, JSON format §2).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CloudEvent {
    /// Always `1.0`.
    pub specversion: String,
    /// The event's id, the same on every channel and every delivery.
    pub id: String,
    /// The workspace: `/workspaces/wsp_…`.
    pub source: String,
    /// What happened, say `link.created`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The thing that it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub time: Time,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// Which version of the data's schema.
    pub dataversion: String,
    /// Where to go on after it.
    pub cursor: String,
    /// The trace of the request that caused it (CloudEvents Distributed Tracing extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What a listener wants to know.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub data: Box<RawValue>,
}

impl CloudEvent {
    /// Shows an event under its cursor.
    ///
    /// # Errors
    /// Where a store kept data that is not JSON.
    pub fn of(event: &events::Event, cursor: String) -> Result<Self, serde_json::Error> {
        Ok(Self {
            specversion: "1.0".to_owned(),
            id: event.id.to_string(),
            source: format!("/workspaces/{}", event.workspace),
            kind: event.kind.to_string(),
            subject: event.subject.clone(),
            time: event.created_at.into(),
            datacontenttype: "application/json".to_owned(),
            dataversion: event.version.to_string(),
            cursor,
            traceparent: event.traceparent.clone(),
            data: RawValue::from_string(event.data.as_str().to_owned())?,
        })
    }
}

/// The data of `link.created`, `link.updated` and `link.expired`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LinkData {
    /// The link as it is now.
    pub link: Link,
}

/// The data of `link.deleted`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Deleted {
    /// The link as it was.
    pub link: Link,
}

/// The data of `link.clicked`: what was counted since the last event of the same link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Clicked {
    /// The link.
    pub link: ClickedLink,
    /// What was counted since.
    pub clicks: StatsCounts,
    /// All that was counted for the link, these clicks included: where its count stands for who skipped events.
    pub total: StatsCounts,
}

/// The link of a `link.clicked`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ClickedLink {
    /// Its id.
    pub id: String,
}
