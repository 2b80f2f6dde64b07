//! A delivery that was verified.

use jiff::Timestamp;
use waypost_core::wire::v1;

/// A delivery that was verified. There is no other way to one than the verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    pub(super) id: &'a str,
    pub(super) signed_at: Timestamp,
    pub(super) body: &'a [u8],
}

/// The body is not what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("the body is no event in the format `{format}`: ask for the format that the endpoint was registered with")]
pub struct UnreadableBody {
    format: &'static str,
    source: serde_json::Error,
}

impl<'a> Received<'a> {
    /// The event's id: the same whenever it is sent again, and what duplicates are dropped by.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// When this call was signed; not when the event happened.
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// The body, byte for byte.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The event, from an endpoint of the format `waypost`.
    ///
    /// # Errors
    /// [`UnreadableBody`] where it is of another format.
    pub fn event(&self) -> Result<v1::Event, UnreadableBody> {
        serde_json::from_slice(self.body).map_err(|source| UnreadableBody { format: "waypost", source })
    }

    /// The event, from an endpoint of the format `cloudevents`.
    ///
    /// # Errors
    /// [`UnreadableBody`] where it is of another format.
    pub fn cloud_event(&self) -> Result<v1::CloudEvent, UnreadableBody> {
        serde_json::from_slice(self.body).map_err(|source| UnreadableBody { format: "cloudevents", source })
    }
}
