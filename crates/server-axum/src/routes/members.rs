//! Members.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use waypost_core::Error;
use waypost_core::ids::UserId;
use waypost_core::members::{Member, NewMember};
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::{Begun, Caller, Id, JsonBody, RequestKey};
use crate::reply::{self, Reply};

pub(super) async fn list(State(app): State<Arc<App>>, Caller(who): Caller) -> Reply {
    let members = app.platform.members.list(&who).await?;
    let body =
        v1::Page { data: members.iter().map(v1::Member::of).collect(), next_cursor: None::<String>, has_more: false };
    Ok(reply::respond(reply::json(StatusCode::OK, &body)))
}

pub(super) async fn read(State(app): State<Arc<App>>, Caller(who): Caller, Id(id): Id<UserId>) -> Reply {
    let member = app.platform.members.get(&who, id).await?;
    Ok(reply::respond(reply::json(StatusCode::OK, &v1::Member::of(&member))))
}

pub(super) async fn add(State(app): State<Arc<App>>, Caller(who): Caller, key: RequestKey, body: JsonBody) -> Reply {
    let bytes = body.bytes.clone();
    let new = NewMember::read(body.fields()?)?;
    let run = match key.claim_apart(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let made = app.platform.members.add(&who, new).await;
    run.settle_late(made.map(|member| {
        let mut answer = reply::json(StatusCode::CREATED, &v1::Member::of(&member));
        let at = app.site().url(&format!("/v1/members/{}", member.user.id));
        answer.headers.push((LOCATION.as_str().to_owned(), at));
        answer
    }))
    .await
}

pub(super) async fn update(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<UserId>,
    key: RequestKey,
    body: JsonBody,
) -> Reply {
    let bytes = body.bytes.clone();
    let mut fields = body.fields()?;
    let role = NewMember::role(&mut fields);
    fields.finish()?;
    let role = role.ok_or_else(|| Error::internal("a role that is missing was not noted"))?;
    let run = match key.claim_apart(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let changed = app.platform.members.set_role(&who, id, role).await;
    let answer = |member: &Member| reply::json(StatusCode::OK, &v1::Member::of(member));
    run.settle_late(changed.map(|member| answer(&member))).await
}

pub(super) async fn remove(State(app): State<Arc<App>>, Caller(who): Caller, Id(id): Id<UserId>) -> Reply {
    app.platform.members.remove(&who, id).await?;
    let mut response = axum::response::Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
