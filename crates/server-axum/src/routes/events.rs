//! Events.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use http::StatusCode;
use http::header::LINK;
use waypost_core::events::{EventFilter, EventType};
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::{Caller, Query};
use crate::reply::{self, Reply};

/// The most types that one filter names.
const MOST_TYPES: usize = 32;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    OriginalUri(uri): OriginalUri,
    mut query: Query,
) -> Reply {
    let cursor = query.cursor();
    let limit = query.limit();
    let types = query.fields.text("types", |text| {
        let types: Result<Vec<_>, _> = text.split(',').map(EventType::parse).collect();
        let types = types.map_err(|fault| fault.to_string())?;
        if types.len() <= MOST_TYPES { Ok(types) } else { Err(format!("must be at most {MOST_TYPES} types")) }
    });
    let subject = query.fields.text("subject", |text| {
        if (1..=256).contains(&text.len()) { Ok(text.to_owned()) } else { Err("must be 1 to 256 bytes") }
    });
    query.fields.finish()?;
    let filter = EventFilter {
        workspace: Some(who.workspace),
        types: types.value().unwrap_or_default(),
        subject: subject.value(),
    };
    let page = app.platform.feed.list(&who, filter, cursor.as_deref(), limit).await?;
    let body = v1::Page { data: page.events, next_cursor: Some(page.next.clone()), has_more: page.more };
    let mut response = reply::respond(reply::json(StatusCode::OK, &body));
    if let Some(next) = reply::next_link(uri.path(), query.raw.as_deref(), &page.next) {
        response.headers_mut().insert(LINK, next);
    }
    Ok(response)
}
