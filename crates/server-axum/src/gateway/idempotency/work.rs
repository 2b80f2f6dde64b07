//! A keyed request, from its body to its answer.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::OriginalUri;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::Request;
use http::request::Parts;
use tower::Service;
use tracing::Instrument;
use waypost_core::idempotency::{Answer, Claim, Fingerprint, IdempotencyKey};
use waypost_core::ids::WorkspaceId;
use waypost_core::wire::v1::ErrorCode;

use super::body::{Collected, collect};
use super::layer::Settings;
use super::{answer, in_flight, reused};
use crate::error::ApiError;
use crate::gateway::envelope::Rendered;

/// Whose request it is, under which key, and what it asks for.
struct Asked {
    workspace: WorkspaceId,
    key: IdempotencyKey,
    fingerprint: Fingerprint,
}

/// Reads the request here, where a client that hangs up ends it, and carries it out in a task, where it does not.
pub(super) async fn answer<S, B>(
    settings: Arc<Settings>,
    inner: S,
    key: IdempotencyKey,
    request: Request<Body>,
) -> Result<Response, S::Error>
where
    S: Service<Request<Body>, Response = http::Response<B>> + Send + 'static,
    S::Error: Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (head, body) = request.into_parts();
    let Some(workspace) = (settings.scope)(&head) else {
        let message = "An idempotency key needs a caller whose it is";
        return Ok(ApiError::new(ErrorCode::Unauthenticated, message).into_response());
    };
    let body = match read(body, settings.request_bound).await {
        Ok(body) => body,
        Err(refused) => return Ok(refused.into_response()),
    };
    let asked = Asked { workspace, key, fingerprint: fingerprint(&head, &body) };
    let request = Request::from_parts(head, Body::from(body));
    let work = carry_out(settings.clone(), inner, asked, request).in_current_span();
    match settings.works.spawn(work).await {
        Ok(outcome) => outcome,
        Err(fault) => match fault.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => {
                let stopping = ApiError::of(ErrorCode::Unavailable);
                Ok(stopping.with_reason("the runtime is stopping").into_response())
            }
        },
    }
}

/// Claims the key, does the work, and settles the key with what came of it.
async fn carry_out<S, B>(
    settings: Arc<Settings>,
    mut inner: S,
    asked: Asked,
    request: Request<Body>,
) -> Result<Response, S::Error>
where
    S: Service<Request<Body>, Response = http::Response<B>>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let idempotency = &settings.idempotency;
    let claim = idempotency.claim_apart(asked.workspace, asked.key, asked.fingerprint);
    let lease = match claim.await {
        Ok(Claim::Granted(lease)) => lease,
        Ok(Claim::Replay(answer)) => return Ok(answer::replay(answer)),
        Ok(Claim::Busy(wait)) => return Ok(in_flight(wait).into_response()),
        Ok(Claim::Mismatch) => return Ok(reused().into_response()),
        Err(error) => return Ok(ApiError::from(error).into_response()),
    };
    // The answer's body is part of the work: it may still fail, or panic.
    let work = async { Ok(take(inner.call(request).await?.map(Body::new), &settings).await) };
    // Whatever the work left half done, nothing of it is used once it has panicked.
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    let Ok(Ok((response, Some(answer)))) = outcome else {
        idempotency.release(&lease).await;
        return match outcome {
            Ok(outcome) => outcome.map(|(response, _)| response),
            Err(panic) => resume_unwind(panic),
        };
    };
    if let Err(error) = idempotency.complete(&lease, &answer).await {
        // The work is done, and a client that hears of it has no reason to send it again.
        tracing::warn!(error = ?error, "an answer was not kept; a retry after its lease is carried out again");
    }
    Ok(response)
}

/// Reads the answer, as far as it is one to keep.
async fn take(response: Response, settings: &Settings) -> (Response, Option<Answer>) {
    let (mut head, body) = response.into_parts();
    if !answer::is_final(&head) {
        return (Response::from_parts(head, body), None);
    }
    match collect(body, settings.answer_bound).await {
        Collected::Whole(bytes) => {
            let kept = answer::record(&head, &settings.also_kept, bytes.clone());
            if kept.is_some() {
                head.extensions.insert(Rendered);
            }
            (Response::from_parts(head, Body::from(bytes)), kept)
        }
        Collected::Passing(body) => {
            tracing::debug!("an answer is too large to be kept, or has trailers; its key is free again");
            (Response::from_parts(head, body), None)
        }
        Collected::Broken(fault) => {
            let broken = ApiError::of(ErrorCode::Internal);
            let reason = format!("the answer's body broke off: {fault}");
            (broken.with_reason(reason).into_response(), None)
        }
    }
}

/// The request's body, as far as it is within its bound.
async fn read(body: Body, most: usize) -> Result<Bytes, ApiError> {
    match collect(body, most).await {
        Collected::Whole(bytes) => Ok(bytes),
        Collected::Passing(body) if body.size_hint().lower() > most as u64 => {
            let message = format!("The body is larger than {most} bytes");
            Err(ApiError::new(ErrorCode::PayloadTooLarge, message))
        }
        Collected::Passing(_) => {
            let message = "A request with an idempotency key has no trailers";
            Err(ApiError::new(ErrorCode::MalformedRequest, message))
        }
        Collected::Broken(fault) => {
            let broken = ApiError::new(ErrorCode::MalformedRequest, "The body broke off");
            Err(broken.with_reason(fault.to_string()))
        }
    }
}

/// What the request asks for. By the path that the client sent: a router that nests others cuts it off.
fn fingerprint(head: &Parts, body: &[u8]) -> Fingerprint {
    let uri = match head.extensions.get::<OriginalUri>() {
        Some(OriginalUri(uri)) => uri,
        None => &head.uri,
    };
    let query = uri.query().unwrap_or_default();
    Fingerprint::of(head.method.as_str(), uri.path(), query, body)
}
