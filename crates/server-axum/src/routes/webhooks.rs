//! Webhook endpoints.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use waypost_core::ids::WebhookId;
use waypost_core::webhooks::{EndpointDraft, Registered};
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::{Begun, Caller, Id, JsonBody, RequestKey};
use crate::reply::{self, Reply};

pub(super) async fn register(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    key: RequestKey,
    body: JsonBody,
) -> Reply {
    let bytes = body.bytes.clone();
    let draft = EndpointDraft::read(body.fields()?, app.platform.options().webhooks.allow_http)?;
    let run = match key.claim_apart(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let made = app.platform.webhooks.register(&who, draft).await;
    run.settle_without(made.map(|registered| shown_once(&app, &registered))).await
}

pub(super) async fn list(State(app): State<Arc<App>>, Caller(who): Caller) -> Reply {
    let endpoints = app.platform.webhooks.list(&who).await?;
    Ok(reply::respond(reply::whole(endpoints.iter().map(v1::Webhook::of))))
}

pub(super) async fn read(State(app): State<Arc<App>>, Caller(who): Caller, Id(id): Id<WebhookId>) -> Reply {
    let endpoint = app.platform.webhooks.get(&who, id).await?;
    Ok(reply::respond(reply::json(StatusCode::OK, &v1::Webhook::of(&endpoint))))
}

pub(super) async fn delete(State(app): State<Arc<App>>, Caller(who): Caller, Id(id): Id<WebhookId>) -> Reply {
    app.platform.webhooks.delete(&who, id).await?;
    Ok(reply::nothing())
}

/// The answer with the secret, and the one that is kept.
fn shown_once(app: &App, registered: &Registered) -> (reply::Answer, reply::Answer) {
    let show = |text: Option<&str>| {
        let secret = Some(v1::Once(text.map(str::to_owned)));
        let shown = v1::Webhook { secret, ..v1::Webhook::of(&registered.endpoint) };
        reply::created(app, &format!("/v1/webhooks/{}", shown.id), &shown)
    };
    (show(Some(&registered.secret.expose())), show(None))
}
