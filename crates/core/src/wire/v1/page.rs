//! Pages on the wire.

use serde::{Deserialize, Serialize};

/// Some rows of a listing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// What to pass as `cursor` for the next page. Of a listing: null at its end. Of events: always there.
    pub next_cursor: Option<String>,
    /// Whether there is a next page now.
    pub has_more: bool,
}
