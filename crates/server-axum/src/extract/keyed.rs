//! Requests that are carried out once (§4).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::HeaderValue;
use http::request::Parts;
use waypost_core::credentials::Principal;
use waypost_core::idempotency::{Answer, Claim, Fingerprint, IdempotencyKey, Lease};
use waypost_core::links::Once;
use waypost_core::wire::v1::ErrorCode;

use super::context;
use crate::app::App;
use crate::error::ApiError;
use crate::gateway::context::RequestContext;
use crate::gateway::envelope::Rendered;
use crate::reply::{self, Reply, respond};

/// The header `Idempotency-Key`, and what else a claim needs of the request.
pub(crate) struct RequestKey {
    key: Option<IdempotencyKey>,
    method: String,
    path: String,
    query: String,
    context: RequestContext,
}

impl<S: Send + Sync> FromRequestParts<S> for RequestKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let fault = |issue: String| {
            ApiError::new(ErrorCode::InvalidIdempotencyKey, "The idempotency key is not well formed")
                .with_detail("header.Idempotency-Key", issue)
        };
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let key = values.next().map(|value| IdempotencyKey::parse(value.as_bytes())).transpose();
        let key = key.map_err(|invalid| fault(invalid.to_string()))?;
        if values.next().is_some() {
            return Err(fault("stands twice".to_owned()));
        }
        Ok(Self {
            key,
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            context: context(parts)?,
        })
    }
}

/// Whether there is anything to carry out.
pub(crate) enum Begun {
    /// It was carried out before: this is the answer.
    Replay(Response),
    /// Carry it out.
    Run(Run),
}

/// A request that is being carried out.
pub(crate) struct Run {
    app: Arc<App>,
    lease: Option<Lease>,
    context: RequestContext,
}

impl RequestKey {
    /// Claims the key, if the request came with one.
    pub(crate) async fn claim(self, app: &Arc<App>, who: &Principal, body: &[u8]) -> Result<Begun, ApiError> {
        let run = |lease| Begun::Run(Run { app: app.clone(), lease, context: self.context.clone() });
        let Some(key) = self.key else { return Ok(run(None)) };
        let fingerprint = Fingerprint::of(&self.method, &self.path, &self.query, body);
        match app.platform.idempotency.claim(who.workspace, key, fingerprint).await? {
            Claim::Granted(lease) => Ok(run(Some(lease))),
            Claim::Replay(answer) => {
                let mut response = respond(answer);
                response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
                response.extensions_mut().insert(Rendered);
                Ok(Begun::Replay(response))
            }
            Claim::Busy(wait) => {
                let message = "A request with this idempotency key is being carried out";
                Err(ApiError::new(ErrorCode::IdempotencyInFlight, message).with_retry_after(wait))
            }
            Claim::Mismatch => Err(ApiError::new(
                ErrorCode::IdempotencyKeyReused,
                "The idempotency key was used before, for another request",
            )),
        }
    }
}

impl Run {
    /// What a service needs to commit the answer along with its effect.
    pub(crate) fn once<'a, T: ?Sized>(
        &'a self,
        answer: &'a (dyn Fn(&T) -> Answer + Send + Sync),
    ) -> Option<Once<'a, T>> {
        let keep_until = self.app.platform.idempotency.keep_until();
        self.lease.as_ref().map(|lease| Once { lease, keep_until, answer })
    }

    /// Gives the answer. That of an effect is kept already; a refusal that came out of carrying it out is kept here,
    /// and a fault that the client can mend, or that may pass, gives the key back.
    pub(crate) async fn settle(self, result: waypost_core::Result<Answer>) -> Reply {
        let error = match result {
            Ok(answer) => return Ok(respond(answer)),
            Err(error) => ApiError::from(error),
        };
        if let Some(lease) = &self.lease {
            let idempotency = &self.app.platform.idempotency;
            if is_kept(error.code()) {
                let answer = reply::error(&self.app, &error, &self.context);
                idempotency.complete(lease, &answer).await?;
            } else {
                idempotency.release(lease).await;
            }
        }
        Err(error)
    }
}

/// Whether the answer to a request that ended so is replayed: what the request itself decided, not what it lacked.
fn is_kept(code: ErrorCode) -> bool {
    matches!(code.status(), 404 | 409 | 410 | 412) && code != ErrorCode::IdempotencyInFlight
}
