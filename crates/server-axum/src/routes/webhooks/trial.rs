//! Calls to try an endpoint.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use waypost_core::ids::WebhookId;
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::{Begun, Caller, Id, RequestKey};
use crate::reply::{self, Reply};

pub(in crate::routes) async fn test(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<WebhookId>,
    key: RequestKey,
) -> Reply {
    let run = match key.claim_apart(&app, &who, b"").await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let tested = app.platform.webhooks.test(&who, id).await.map(|attempt| {
        let (delivered, attempt) = (attempt.result.is_success(), v1::WebhookAttempt::of(&attempt));
        reply::json(StatusCode::OK, &v1::TestedWebhook { delivered, attempt })
    });
    run.settle_late(tested).await
}

pub(in crate::routes) async fn verify(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<WebhookId>,
    key: RequestKey,
) -> Reply {
    let run = match key.claim_apart(&app, &who, b"").await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let verified = app.platform.webhooks.verify(&who, id).await.map(|proof| {
        let (verified, attempt) = (proof.is_proven, v1::WebhookAttempt::of(&proof.attempt));
        reply::json(StatusCode::OK, &v1::VerifiedWebhook { verified, attempt })
    });
    run.settle_late(verified).await
}
