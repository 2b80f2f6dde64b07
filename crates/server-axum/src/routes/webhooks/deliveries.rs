//! What became of deliveries, and asking for them again.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{OriginalUri, State};
use http::StatusCode;
use waypost_core::events::EventType;
use waypost_core::ids::WebhookId;
use waypost_core::webhooks::{DeliveryQuery, DeliveryStatus, RecoverRequest, ReplayRequest};
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::{Begun, Caller, DeliveryPath, Id, JsonBody, Query, RequestKey};
use crate::reply::{self, Reply};

/// How far back statistics reach where nothing is said: a day.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(in crate::routes) async fn list(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<WebhookId>,
    OriginalUri(uri): OriginalUri,
    mut query: Query,
) -> Reply {
    let cursor = query.cursor();
    let limit = query.limit();
    let fields = &mut query.fields;
    let status = fields.text("status", |name| {
        DeliveryStatus::parse(name).ok_or_else(|| format!("must be one of {}", DeliveryStatus::NAMES.join(", ")))
    });
    let wanted = DeliveryQuery {
        workspace: who.workspace,
        endpoint: id,
        status: status.value(),
        kind: fields.text("type", EventType::parse).value(),
        created_after: fields.time("created_after").value(),
        created_before: fields.time("created_before").value(),
        after: None,
        limit,
    };
    query.fields.finish()?;
    let page = app.platform.webhooks.deliveries(&who, wanted, cursor.as_deref()).await?;
    let body = v1::Page {
        data: page.rows.iter().map(v1::WebhookDelivery::of).collect(),
        has_more: page.next.is_some(),
        next_cursor: page.next.clone(),
    };
    let mut response = reply::respond(reply::json(StatusCode::OK, &body));
    if let Some(next) = page.next.and_then(|cursor| reply::next_link(uri.path(), query.raw.as_deref(), &cursor)) {
        response.headers_mut().insert(http::header::LINK, next);
    }
    Ok(response)
}

pub(in crate::routes) async fn read(State(app): State<Arc<App>>, Caller(who): Caller, path: DeliveryPath) -> Reply {
    let (record, attempts) = app.platform.webhooks.delivery(&who, path.webhook, path.delivery).await?;
    Ok(reply::respond(reply::json(StatusCode::OK, &v1::WebhookDelivery::with(&record, &attempts))))
}

pub(in crate::routes) async fn retry(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    path: DeliveryPath,
    key: RequestKey,
) -> Reply {
    let run = match key.claim_apart(&app, &who, b"").await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let retried = app.platform.webhooks.retry(&who, path.webhook, path.delivery).await;
    let show = |(record, attempts): (_, Vec<_>)| {
        reply::json(StatusCode::ACCEPTED, &v1::WebhookDelivery::with(&record, &attempts))
    };
    run.settle_late(retried.map(show)).await
}

pub(in crate::routes) async fn recover(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<WebhookId>,
    key: RequestKey,
    body: JsonBody,
) -> Reply {
    let bytes = body.bytes.clone();
    let request = RecoverRequest::read(body.fields()?)?;
    let run = match key.claim_apart(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let recovered = app.platform.webhooks.recover(&who, id, request).await.map(|done| {
        let body = v1::RecoveredWebhook { retried: done.count as u64, has_more: done.has_more };
        reply::json(StatusCode::ACCEPTED, &body)
    });
    run.settle_late(recovered).await
}

pub(in crate::routes) async fn replay(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<WebhookId>,
    key: RequestKey,
    body: JsonBody,
) -> Reply {
    let bytes = body.bytes.clone();
    let request = ReplayRequest::read(body.fields()?)?;
    let run = match key.claim_apart(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let replayed = app.platform.webhooks.replay(&who, id, request).await.map(|done| {
        let has_more = done.next.is_some();
        let body = v1::ReplayedWebhook { created: done.created as u64, next_cursor: done.next, has_more };
        reply::json(StatusCode::ACCEPTED, &body)
    });
    run.settle_late(replayed).await
}

pub(in crate::routes) async fn stats(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<WebhookId>,
    mut query: Query,
) -> Reply {
    let now = app.platform.clock.now();
    let since = query.fields.time("since").value();
    if since.is_some_and(|since| since > now) {
        query.fields.fault("since", "must not lie in the future");
    }
    query.fields.finish()?;
    let (since, measures) = app.platform.webhooks.stats(&who, id, since.unwrap_or(now - A_DAY)).await?;
    Ok(reply::respond(reply::json(StatusCode::OK, &v1::WebhookStats::of(since, &measures))))
}
