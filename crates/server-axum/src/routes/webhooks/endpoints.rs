//! The endpoints themselves.

use std::sync::Arc;

use axum::extract::State;
use http::header::ETAG;
use http::{HeaderMap, StatusCode};
use waypost_core::credentials::Overlap;
use waypost_core::ids::WebhookId;
use waypost_core::webhooks::{Endpoint, EndpointDraft, EndpointEdit, Registered};
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::{Begun, Caller, Id, IfMatch, JsonBody, RequestKey};
use crate::reply::{self, Answer, Reply};

pub(in crate::routes) async fn register(
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
    let show = |body: &v1::Webhook| reply::created(&app, &format!("/v1/webhooks/{}", body.id), body);
    run.settle_without(made.map(|registered| shown_once(&registered, show))).await
}

pub(in crate::routes) async fn list(State(app): State<Arc<App>>, Caller(who): Caller) -> Reply {
    let endpoints = app.platform.webhooks.list(&who).await?;
    Ok(reply::respond(reply::whole(endpoints.iter().map(v1::Webhook::of))))
}

pub(in crate::routes) async fn read(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<WebhookId>,
    headers: HeaderMap,
) -> Reply {
    let endpoint = app.platform.webhooks.get(&who, id).await?;
    Ok(reply::respond_unless_known(reply::webhook(StatusCode::OK, &endpoint), &headers))
}

pub(in crate::routes) async fn update(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<WebhookId>,
    if_match: IfMatch,
    key: RequestKey,
    body: JsonBody,
) -> Reply {
    let bytes = body.bytes.clone();
    let fields = body.fields()?;
    let run = match key.claim_apart(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let expected = |endpoint: &Endpoint| if_match.allows_tag(&reply::etag(endpoint.id, endpoint.version));
    let read = || EndpointEdit::read(fields, app.platform.options().webhooks.allow_http);
    let changed = app.platform.webhooks.update(&who, id, expected, read).await;
    run.settle_late(changed.map(|endpoint| reply::webhook(StatusCode::OK, &endpoint))).await
}

pub(in crate::routes) async fn delete(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<WebhookId>,
) -> Reply {
    app.platform.webhooks.delete(&who, id).await?;
    Ok(reply::nothing())
}

pub(in crate::routes) async fn rotate(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<WebhookId>,
    key: RequestKey,
    body: JsonBody,
) -> Reply {
    let bytes = body.bytes.clone();
    let overlap = Overlap::read(body.fields()?)?;
    let run = match key.claim_apart(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let made = app.platform.webhooks.rotate(&who, id, overlap).await;
    run.settle_without(made.map(|rotated| shown_once(&rotated, reply::replaced))).await
}

/// The answer with the secret, and the one that is kept.
fn shown_once(registered: &Registered, show: impl Fn(&v1::Webhook) -> Answer) -> (Answer, Answer) {
    let endpoint = &registered.endpoint;
    let show = |text: Option<String>| {
        let mut answer = show(&v1::Webhook { secret: Some(v1::Once(text)), ..v1::Webhook::of(endpoint) });
        answer.headers.push((ETAG.as_str().to_owned(), reply::etag(endpoint.id, endpoint.version)));
        answer
    };
    (show(Some(registered.secret.expose())), show(None))
}
