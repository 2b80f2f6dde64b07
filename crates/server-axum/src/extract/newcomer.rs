//! Who comes in to listen.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use waypost_core::credentials::Principal;
use waypost_core::push::{Opening, Transport};

use super::{Caller, context};
use crate::app::App;
use crate::error::ApiError;
use crate::gateway::authentication::Evidence;
use crate::gateway::client_address::ClientAddress;

/// Who comes in to listen, with what a session is opened with. Like [`Caller`], only on routes that need a scope.
pub(crate) struct Newcomer {
    pub(crate) who: Principal,
    evidence: Option<Evidence>,
    address: Option<IpAddr>,
}

impl<S: Send + Sync> FromRequestParts<S> for Newcomer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Caller(who) = Caller::from_request_parts(parts, state).await?;
        let client = context(parts)?.client();
        let address = (client != ClientAddress::UNKNOWN).then(|| client.network());
        Ok(Self { who, evidence: parts.extensions.get().cloned(), address })
    }
}

impl Newcomer {
    /// How the session is opened.
    pub(crate) fn opening(self, app: &App, transport: Transport) -> Opening {
        let until = self.evidence.as_ref().and_then(|evidence| evidence.until);
        let proof = self.evidence.map(|evidence| app.platform.proof(evidence.shown));
        Opening { who: self.who, until, proof, address: self.address, transport }
    }
}
