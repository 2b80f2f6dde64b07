//! Events.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use http::StatusCode;
use http::header::LINK;
use waypost_core::events::{EventFilter, EventType};
use waypost_core::fields::{Field, Fields};
use waypost_core::push::From;
use waypost_core::wire::v1;

use super::live::poll::{self, Poll};
use crate::app::App;
use crate::extract::{Newcomer, Query};
use crate::reply::{self, Reply};

/// The most types that one filter names.
const MOST_TYPES: usize = 32;

/// What narrows a view of events down: `types` and `subject`.
pub(super) fn filter(fields: &mut Fields) -> (Field<Vec<EventType>>, Field<String>) {
    let types = fields.text("types", |text| {
        let types: Result<Vec<_>, _> = text.split(',').map(EventType::parse).collect();
        let types = types.map_err(|fault| fault.to_string())?;
        if types.len() <= MOST_TYPES { Ok(types) } else { Err(format!("must be at most {MOST_TYPES} types")) }
    });
    let subject = fields.text("subject", |text| {
        if (1..=256).contains(&text.len()) { Ok(text.to_owned()) } else { Err("must be 1 to 256 bytes") }
    });
    (types, subject)
}

/// Where somebody begins who shows no cursor: `from`.
pub(super) fn beginning(fields: &mut Fields) -> Field<From> {
    fields.text("from", |text| match text {
        "now" => Ok(From::Now),
        "start" => Ok(From::Start),
        _ => Err("must be now or start"),
    })
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    newcomer: Newcomer,
    OriginalUri(uri): OriginalUri,
    mut query: Query,
) -> Reply {
    let cursor = query.cursor();
    let limit = query.limit();
    let (types, subject) = filter(&mut query.fields);
    let wait = poll::wait(&mut query.fields);
    let from = beginning(&mut query.fields);
    query.fields.finish()?;
    let cursor = match (cursor, from.value()) {
        (None, Some(From::Now)) => Some(app.platform.feed.newest(&newcomer.who).await?),
        (cursor, _) => cursor,
    };
    let (types, subject) = (types.value().unwrap_or_default(), subject.value());
    let (answer, next) = match wait.value().filter(|wait| !wait.is_zero()) {
        Some(wait) => poll::held(&app, newcomer, Poll { cursor, types, subject, limit, wait }).await?,
        None => {
            let filter = EventFilter { workspace: Some(newcomer.who.workspace), types, subject };
            let page = app.platform.feed.list(&newcomer.who, filter, cursor.as_deref(), limit).await?;
            let body = v1::Page { data: page.events, next_cursor: Some(page.next.clone()), has_more: page.more };
            (reply::json(StatusCode::OK, &body), page.next)
        }
    };
    let mut response = reply::respond(answer);
    if let Some(next) = reply::next_link(uri.path(), query.raw.as_deref(), &next) {
        response.headers_mut().insert(LINK, next);
    }
    Ok(response)
}
