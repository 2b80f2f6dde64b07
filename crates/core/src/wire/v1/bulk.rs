//! Many links at once, on the wire.

use serde::{Deserialize, Serialize};

use super::{CreateLink, ErrorDetail, Link};

/// Many links to be made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkCreate {
    /// The links, 1 to 1,000.
    #[cfg_attr(feature = "schema", schema(min_items = 1, max_items = 1000))]
    pub items: Vec<CreateLink>,
    /// Whether all are made or none; each for itself if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub atomic: Option<bool>,
}

/// What became of each, in the order of the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BulkResults {
    /// One for each item.
    pub results: Vec<BulkResult>,
}

/// What became of one item: the link, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BulkResult {
    /// The status that the item would have had alone.
    pub status: u16,
    /// The link that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// Why none was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetail>,
}
