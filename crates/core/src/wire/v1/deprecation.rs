//! Routes on their way out, on the wire.

use serde::{Deserialize, Serialize};

use super::Time;

/// A route on its way out, and who of the workspace still calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Deprecation {
    /// The route, as this document writes it.
    pub path: String,
    /// Its methods that are on their way out.
    pub methods: Vec<String>,
    /// Since when.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub since: Time,
    /// From when on it answers 410; null where that is not decided.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub sunset: Option<Time>,
    /// The page that says what to use instead.
    pub link: String,
    /// Who of the workspace called this server since it started: most calls first, at most 100.
    pub callers: Vec<DeprecationCaller>,
    /// Calls of the workspace's other callers.
    pub other_calls: u64,
}

/// Who calls a route on its way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeprecationCaller {
    /// The id of the credentials.
    pub principal: String,
    /// How often.
    pub calls: u64,
    /// When last.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub last_seen: Time,
}
