//! Tickets on the wire.

use serde::{Deserialize, Serialize};

use super::Time;

/// What opens one live stream, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Ticket {
    /// Its text, for the parameter `ticket` of a stream's address. Shown this once.
    #[cfg_attr(feature = "schema", schema(example = "wp_tkt_5rVn2mQ8…"))]
    pub ticket: String,
    /// From when on it is void, used or not.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub expires_at: Time,
}

#[cfg(feature = "services")]
impl Ticket {
    /// Shows a ticket that was just made.
    pub fn of(issued: &crate::tickets::IssuedTicket) -> Self {
        Self { ticket: issued.text.expose().to_owned(), expires_at: Time(issued.expires_at) }
    }
}
