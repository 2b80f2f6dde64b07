//! API keys on the wire.

use serde::{Deserialize, Serialize};

use super::{Once, Time};
use crate::credentials;

/// An API key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ApiKey {
    /// Its id.
    #[cfg_attr(feature = "schema", schema(example = "key_01JD3X8M2V7Q5T9B4C6E8G0HJK"))]
    pub id: String,
    /// The workspace that it acts in.
    pub workspace_id: String,
    /// What its owner calls it.
    pub name: String,
    /// The last four characters of its text.
    pub hint: String,
    /// What it may do; `*` is everything, what comes later included.
    pub scopes: Vec<String>,
    /// The plan that it is limited by; the common one if null.
    pub plan: Option<String>,
    /// When it was made.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub created_at: Time,
    /// From when on it is void.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Time>,
    /// When it was last used, to the minute.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub last_used_at: Option<Time>,
    /// When it was revoked.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub revoked_at: Option<Time>,
    /// Its text, to be sent as `Authorization: Bearer …`. Only in the answer that makes it, and there only the first
    /// time: a replay has `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Once>,
}

impl ApiKey {
    /// Shows a key, without its text.
    pub fn of(key: &credentials::ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            workspace_id: key.workspace.to_string(),
            name: key.name.clone(),
            hint: key.hint.clone(),
            scopes: key.scopes.to_string().split_whitespace().map(str::to_owned).collect(),
            plan: key.plan.as_ref().map(ToString::to_string),
            created_at: key.created_at.into(),
            expires_at: key.expires_at.map(Time),
            last_used_at: key.last_used_at.map(Time),
            revoked_at: key.revoked_at.map(Time),
            key: None,
        }
    }
}

/// What a new key shall be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    /// What it is called: 1 to 128 characters.
    #[cfg_attr(feature = "schema", schema(example = "newsletter", min_length = 1, max_length = 128))]
    pub name: String,
    /// What it may do: no more than the one who makes it.
    #[cfg_attr(feature = "schema", schema(min_items = 1, max_items = 64))]
    pub scopes: Vec<String>,
    /// The plan that it is limited by; that of the one who makes it if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// From when on it is void; never if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Time>,
}

/// How a key is replaced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateApiKey {
    /// For how many seconds the old one is still good, at most 604,800 (7 days); 86,400 (a day) if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 604800))]
    pub overlap: Option<u64>,
}
