//! What an owner asks a new endpoint to be.

use super::edit::Nulls;
use super::{EndpointEdit, EventPattern, Target};
use crate::error::Error;
use crate::fields::Fields;

/// The newest version of events' data, which is also the only one so far.
const NEWEST: u16 = 1;

/// What an owner asks a new endpoint to be.
#[derive(Clone, Debug)]
pub struct EndpointDraft {
    pub(super) target: Target,
    pub(super) events: Vec<EventPattern>,
    pub(super) payload_version: u16,
    /// These, and the rest.
    pub(super) edit: EndpointEdit,
}

impl EndpointDraft {
    /// Reads a draft; `allow_http` is the operator's word on targets without TLS.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) with every fault of every field.
    pub fn read(mut fields: Fields, allow_http: bool) -> Result<Self, Error> {
        let edit = EndpointEdit::read_fields(&mut fields, allow_http, Nulls::AreValues);
        let version = fields.whole("payload_version", 1..=u64::from(NEWEST)).value();
        let (target, events) = (edit.target.clone().value(), edit.events.clone().value());
        for (name, is_there) in [("url", target.is_some()), ("events", events.is_some())] {
            if !is_there && !fields.is_at_fault(name) {
                fields.fault(name, "is required");
            }
        }
        fields.finish()?;
        let payload_version = version.and_then(|version| u16::try_from(version).ok()).unwrap_or(NEWEST);
        match (target, events) {
            (Some(target), Some(events)) => Ok(Self { target, events, payload_version, edit }),
            _ => Err(Error::internal("a fault was noted and lost")),
        }
    }
}
