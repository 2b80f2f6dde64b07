//! Who comes in to listen.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use waypost_core::credentials::Principal;
use waypost_core::push::{Closing, Opening, Session, Transport};

use super::{Caller, context};
use crate::app::App;
use crate::error::ApiError;
use crate::gateway::admission::Place;
use crate::gateway::authentication::Evidence;
use crate::gateway::client_address::ClientAddress;

/// Who comes in to listen, with what a session is opened with. Like [`Caller`], only on routes that need a scope.
pub(crate) struct Newcomer {
    pub(crate) who: Principal,
    evidence: Option<Evidence>,
    address: Option<IpAddr>,
    place: Option<Place>,
}

impl<S: Send + Sync> FromRequestParts<S> for Newcomer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Caller(who) = Caller::from_request_parts(parts, state).await?;
        let client = context(parts)?.client();
        let address = (client != ClientAddress::UNKNOWN).then(|| client.network());
        let (evidence, place) = (parts.extensions.get().cloned(), parts.extensions.get().cloned());
        Ok(Self { who, evidence, address, place })
    }
}

impl Newcomer {
    /// Opens a session, whose place is from then on the hub's matter and not one of a request in flight.
    ///
    /// # Errors
    /// Why there is no place, and when to come back.
    pub(crate) fn enter(self, app: &App, transport: Transport) -> Result<Session, Closing> {
        let until = self.evidence.as_ref().and_then(|evidence| evidence.until);
        let proof = self.evidence.map(|evidence| app.platform.proof(evidence.shown));
        let opening = Opening { who: self.who, until, proof, address: self.address, transport };
        let session = app.platform.live.open(opening)?;
        if let Some(place) = self.place {
            place.give_back();
        }
        Ok(session)
    }
}
