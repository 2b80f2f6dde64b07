//! Many links at once.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use http::StatusCode;
use serde_json::Value;
use waypost_core::Error;
use waypost_core::Issue;
use waypost_core::fields::{Fields, kind};
use waypost_core::idempotency::Answer;
use waypost_core::links::{Atomicity, Created, Draft, MOST_AT_ONCE};
use waypost_core::wire::v1;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Begun, Caller, JsonBody, RequestKey};
use crate::gateway::context::RequestContext;
use crate::reply::{self, Reply};

pub(super) async fn create(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Extension(context): Extension<RequestContext>,
    key: RequestKey,
    body: JsonBody,
) -> Reply {
    let bytes = body.bytes.clone();
    let (drafts, atomicity) = read(body.fields()?, &app)?;
    let run = match key.claim(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let answer = |created: &[Created]| results(&app, &context, atomicity, created);
    let made = app.platform.links.create_many(&who, drafts, atomicity, run.once(&answer)).await;
    run.settle(made.map(|created| answer(&created))).await
}

type Drafts = Vec<Result<Draft, Vec<Issue>>>;

fn read(mut fields: Fields, app: &App) -> Result<(Drafts, Atomicity), Error> {
    let items = fields.read("items", |value| match value {
        Value::Array(items) if (1..=MOST_AT_ONCE).contains(&items.len()) => Ok(items),
        Value::Array(items) => Err(format!("must be 1 to {MOST_AT_ONCE} items, not {}", items.len())),
        other => Err(format!("must be a list, not {}", kind(&other))),
    });
    let atomic = fields.flag("atomic").value().unwrap_or(false);
    let Some(items) = items.value() else {
        if !fields.is_faulty() {
            fields.fault("items", "is required");
        }
        return Err(fields.finish().err().unwrap_or_else(|| Error::internal("a fault was noted and lost")));
    };
    fields.finish()?;
    let now = app.platform.clock.now();
    let draft = |(at, item)| Draft::read(Fields::of_item(item, &format!("items[{at}]")), app.site(), now);
    let drafts = items.into_iter().enumerate().map(draft).collect();
    Ok((drafts, if atomic { Atomicity::All } else { Atomicity::Each }))
}

/// All made: 201. Each for itself: 207, with the status that each would have had alone.
fn results(app: &App, context: &RequestContext, atomicity: Atomicity, created: &[Created]) -> Answer {
    let now = app.platform.clock.now();
    let result = |created: &Created| match created {
        Ok(link) => {
            let link = v1::Link::of(link, app.site(), now);
            v1::BulkResult { status: StatusCode::CREATED.as_u16(), link: Some(link), error: None }
        }
        Err(error) => {
            let error = ApiError::from(error);
            let detail = app.envelope.detail(&error, context.id().as_str());
            v1::BulkResult { status: error.code().status(), link: None, error: Some(detail) }
        }
    };
    let status = match atomicity {
        Atomicity::All => StatusCode::CREATED,
        Atomicity::Each => StatusCode::MULTI_STATUS,
    };
    reply::json(status, &v1::BulkResults { results: created.iter().map(result).collect() })
}
