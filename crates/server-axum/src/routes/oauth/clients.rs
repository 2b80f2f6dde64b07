//! The OAuth clients of a workspace.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use waypost_core::Error;
use waypost_core::clients::{ClientDraft, Clients, IssuedClient};
use waypost_core::idempotency::Answer;
use waypost_core::ids::ClientId;
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::{Begun, Caller, Id, JsonBody, RequestKey};
use crate::reply::{self, Reply};

pub(crate) async fn create(State(app): State<Arc<App>>, Caller(who): Caller, key: RequestKey, body: JsonBody) -> Reply {
    let bytes = body.bytes.clone();
    let draft = ClientDraft::read(body.fields()?, app.platform.limits.plans()).map_err(Error::invalid)?;
    let run = match key.claim_apart(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let made = app.platform.clients.register(&who, draft).await;
    run.settle_without(made.map(|issued| answers(&app, StatusCode::CREATED, issued))).await
}

pub(crate) async fn list(State(app): State<Arc<App>>, Caller(who): Caller) -> Reply {
    let now = app.platform.clock.now();
    let clients = app.platform.clients.list(&who).await?;
    let data = clients.iter().map(|client| v1::OAuthClient::of(client, now)).collect();
    let page = v1::Page::<v1::OAuthClient> { data, next_cursor: None, has_more: false };
    Ok(reply::respond(reply::json(StatusCode::OK, &page)))
}

pub(crate) async fn read(State(app): State<Arc<App>>, Caller(who): Caller, Id(id): Id<ClientId>) -> Reply {
    let client = app.platform.clients.get(&who, id).await?;
    let body = v1::OAuthClient::of(&client, app.platform.clock.now());
    Ok(reply::respond(reply::json(StatusCode::OK, &body)))
}

pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<ClientId>,
    key: RequestKey,
    body: JsonBody,
) -> Reply {
    let bytes = body.bytes.clone();
    let mut fields = body.fields()?;
    let overlap = fields.whole("overlap", 0..=Clients::MOST_OVERLAP.as_secs()).value();
    fields.finish()?;
    let run = match key.claim_apart(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let overlap = overlap.map_or(Clients::OVERLAP, Duration::from_secs);
    let made = app.platform.clients.rotate(&who, id, overlap).await;
    run.settle_without(made.map(|issued| answers(&app, StatusCode::OK, issued))).await
}

pub(crate) async fn revoke(State(app): State<Arc<App>>, Caller(who): Caller, Id(id): Id<ClientId>) -> Reply {
    app.platform.clients.revoke(&who, id).await?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The answer with the secret, and the one without that is kept.
fn answers(app: &App, status: StatusCode, issued: IssuedClient) -> (Answer, Answer) {
    let answer = |client_secret| {
        let client = v1::OAuthClient::of(&issued.client, app.platform.clock.now());
        let mut answer = reply::json(status, &v1::IssuedOAuthClient { client, client_secret });
        answer.headers.push((CACHE_CONTROL.as_str().to_owned(), "no-store".to_owned()));
        if status == StatusCode::CREATED {
            let at = app.site().url(&format!("/v1/oauth/clients/{}", issued.client.id));
            answer.headers.push((LOCATION.as_str().to_owned(), at));
        }
        answer
    };
    (answer(issued.secret.as_ref().map(|text| text.expose().to_owned())), answer(None))
}
