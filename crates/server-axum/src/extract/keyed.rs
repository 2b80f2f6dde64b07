//! Requests that are carried out once (§4).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use waypost_core::credentials::Principal;
use waypost_core::idempotency::{Answer, Claim, Fingerprint, IdempotencyKey, Lease};
use waypost_core::links::Once;

use super::context;
use crate::app::App;
use crate::error::ApiError;
use crate::gateway::context::RequestContext;
use crate::gateway::idempotency::{in_flight, is_kept, key_of, mark_replayed, reused};
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
        Ok(Self {
            key: key_of(&parts.headers)?,
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
    /// Claims the key, if the request came with one, for an effect that commits with its answer.
    pub(crate) async fn claim(self, app: &Arc<App>, who: &Principal, body: &[u8]) -> Result<Begun, ApiError> {
        let Some((key, fingerprint)) = self.named(body) else { return Ok(self.begin(app, None)) };
        let claim = app.platform.idempotency.claim(who.workspace, key, fingerprint).await?;
        self.begun(app, claim)
    }

    /// Claims the key, if the request came with one, for an effect in a store of its own, to be settled by
    /// [`settle_without`](Run::settle_without) or [`settle_late`](Run::settle_late).
    pub(crate) async fn claim_apart(self, app: &Arc<App>, who: &Principal, body: &[u8]) -> Result<Begun, ApiError> {
        let Some((key, fingerprint)) = self.named(body) else { return Ok(self.begin(app, None)) };
        let claim = app.platform.idempotency.claim_apart(who.workspace, key, fingerprint).await?;
        self.begun(app, claim)
    }

    fn named(&self, body: &[u8]) -> Option<(IdempotencyKey, Fingerprint)> {
        Some((self.key.clone()?, Fingerprint::of(&self.method, &self.path, &self.query, body)))
    }

    fn begin(self, app: &Arc<App>, lease: Option<Lease>) -> Begun {
        Begun::Run(Run { app: app.clone(), lease, context: self.context })
    }

    fn begun(self, app: &Arc<App>, claim: Claim) -> Result<Begun, ApiError> {
        match claim {
            Claim::Granted(lease) => Ok(self.begin(app, Some(lease))),
            Claim::Replay(answer) => {
                let mut response = respond(answer);
                mark_replayed(&mut response);
                Ok(Begun::Replay(response))
            }
            Claim::Busy(wait) => Err(in_flight(wait)),
            Claim::Mismatch => Err(reused()),
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

    /// Gives `answer`, and keeps `kept` of it for a replay: what is shown once is not kept, so a replay has it not.
    /// For effects that do not commit along with their answer; one whose answer is lost between the two is claimed again
    /// when its lease is over, and carried out again.
    pub(crate) async fn settle_without(self, result: waypost_core::Result<(Answer, Answer)>) -> Reply {
        let (answer, kept) = match result {
            Ok(answers) => answers,
            Err(error) => return self.settle(Err(error)).await,
        };
        if let Some(lease) = &self.lease
            && let Err(error) = self.app.platform.idempotency.complete(lease, &kept).await
        {
            // It has been carried out, and the caller is there: what was shown once must reach them.
            tracing::warn!(error = ?error, "an answer was not kept for a replay");
        }
        Ok(respond(answer))
    }

    /// Gives the answer, and keeps it first: for an effect whose store keeps no answers. Where it cannot be kept, a retry
    /// carries the request out again, so what it does must be safe to do twice.
    pub(crate) async fn settle_late(self, result: waypost_core::Result<Answer>) -> Reply {
        if let (Ok(answer), Some(lease)) = (&result, &self.lease) {
            self.app.platform.idempotency.complete(lease, answer).await?;
        }
        self.settle(result).await
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
            if is_kept(error.status()) {
                let answer = reply::error(&self.app, &error, &self.context);
                idempotency.complete(lease, &answer).await?;
            } else {
                idempotency.release(lease).await;
            }
        }
        Err(error)
    }
}
