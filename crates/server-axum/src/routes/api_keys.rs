//! API keys.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use waypost_core::credentials::{IssuedKey, KeyDraft, Overlap};
use waypost_core::ids::KeyId;
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::{Begun, Caller, Id, JsonBody, RequestKey};
use crate::reply::{self, Reply};

pub(super) async fn create(State(app): State<Arc<App>>, Caller(who): Caller, key: RequestKey, body: JsonBody) -> Reply {
    let bytes = body.bytes.clone();
    let draft = KeyDraft::read(body.fields()?, app.platform.limits.plans(), app.platform.clock.now())?;
    let run = match key.claim_apart(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let made = app.platform.credentials.create_key(&who, draft).await;
    run.settle_without(made.map(|issued| shown_once(&app, &issued))).await
}

pub(super) async fn list(State(app): State<Arc<App>>, Caller(who): Caller) -> Reply {
    let keys = app.platform.credentials.list_keys(&who).await?;
    Ok(reply::respond(reply::whole(keys.iter().map(v1::ApiKey::of))))
}

pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<KeyId>,
    key: RequestKey,
    body: JsonBody,
) -> Reply {
    let bytes = body.bytes.clone();
    let overlap = Overlap::read(body.fields()?)?;
    let run = match key.claim_apart(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let made = app.platform.credentials.rotate_key(&who, id, overlap).await;
    run.settle_without(made.map(|issued| shown_once(&app, &issued))).await
}

pub(super) async fn revoke(State(app): State<Arc<App>>, Caller(who): Caller, Id(id): Id<KeyId>) -> Reply {
    app.platform.credentials.revoke_key(&who, id).await?;
    Ok(reply::nothing())
}

/// The answer with the key's text, and the one that is kept.
fn shown_once(app: &App, issued: &IssuedKey) -> (reply::Answer, reply::Answer) {
    let show = |text: Option<&str>| {
        let key = Some(v1::Once(text.map(str::to_owned)));
        let shown = v1::ApiKey { key, ..v1::ApiKey::of(&issued.key) };
        reply::created(app, &format!("/v1/api-keys/{}", shown.id), &shown)
    };
    (show(Some(issued.text.expose())), show(None))
}

/// A created key, to be read again without its text.
pub(super) async fn read(State(app): State<Arc<App>>, Caller(who): Caller, Id(id): Id<KeyId>) -> Reply {
    let key = app.platform.credentials.read_key(&who, id).await?;
    Ok(reply::respond(reply::json(StatusCode::OK, &v1::ApiKey::of(&key))))
}
