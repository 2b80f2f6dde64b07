//! Links.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use http::{HeaderMap, StatusCode};
use waypost_core::Error;
use waypost_core::ids::LinkId;
use waypost_core::links::{Destination, Draft, Edit, Link, LinkFilter, LinkQuery, LinkSort, Tag};
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::{Begun, Caller, Id, IfMatch, JsonBody, Query, RequestKey};
use crate::reply::{self, Reply};

pub(super) async fn create(State(app): State<Arc<App>>, Caller(who): Caller, key: RequestKey, body: JsonBody) -> Reply {
    let bytes = body.bytes.clone();
    let draft = Draft::read(body.fields()?, app.site(), app.platform.clock.now()).map_err(Error::invalid)?;
    let run = match key.claim(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let answer = |link: &Link| reply::link(&app, StatusCode::CREATED, link);
    let made = app.platform.links.create(&who, draft, run.once(&answer)).await;
    run.settle(made.map(|link| answer(&link))).await
}

pub(super) async fn read(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<LinkId>,
    headers: HeaderMap,
) -> Reply {
    let link = app.platform.links.get(&who, id).await?;
    Ok(reply::respond_unless_known(reply::link(&app, StatusCode::OK, &link), &headers))
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    OriginalUri(uri): OriginalUri,
    mut query: Query,
) -> Reply {
    let cursor = query.cursor();
    let wanted = LinkQuery {
        workspace: who.workspace,
        filter: filter(&app, &mut query),
        sort: sort(&mut query),
        after: None,
        limit: query.limit(),
    };
    query.fields.finish()?;
    let page = app.platform.links.list(&who, wanted, cursor.as_deref()).await?;
    let now = app.platform.clock.now();
    let body = v1::Page {
        data: page.rows.iter().map(|link| v1::Link::of(link, app.site(), now)).collect(),
        has_more: page.next.is_some(),
        next_cursor: page.next.clone(),
    };
    let mut response = reply::respond(reply::json(StatusCode::OK, &body));
    if let Some(next) = page.next.and_then(|cursor| reply::next_link(uri.path(), query.raw.as_deref(), &cursor)) {
        response.headers_mut().insert(http::header::LINK, next);
    }
    Ok(response)
}

pub(super) async fn update(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<LinkId>,
    if_match: IfMatch,
    key: RequestKey,
    body: JsonBody,
) -> Reply {
    let bytes = body.bytes.clone();
    let fields = body.fields()?;
    let run = match key.claim(&app, &who, &bytes).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Run(run) => run,
    };
    let answer = |link: &Link| reply::link(&app, StatusCode::OK, link);
    let read = || Edit::read(fields, app.site(), app.platform.clock.now());
    let edited = app.platform.links.update(&who, id, |link| if_match.allows(link), read, run.once(&answer)).await;
    run.settle(edited.map(|link| answer(&link))).await
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Caller(who): Caller,
    Id(id): Id<LinkId>,
    if_match: IfMatch,
) -> Reply {
    app.platform.links.delete(&who, id, |link| if_match.allows(link)).await?;
    Ok(reply::nothing())
}

fn sort(query: &mut Query) -> LinkSort {
    let sort = query.fields.text("sort", |name| {
        LinkSort::parse(name).ok_or_else(|| format!("must be one of {}", LinkSort::ALLOWED.join(", ")))
    });
    sort.value().unwrap_or_default()
}

fn filter(app: &App, query: &mut Query) -> LinkFilter {
    let fields = &mut query.fields;
    LinkFilter {
        tag: fields.text("tag", Tag::parse).value(),
        domain: fields.text("domain", |name| app.site().domain(name)).value(),
        destination: fields
            .text("destination", |text| Destination::parse(text, app.site().destination_rules()))
            .value()
            .map(|destination| destination.to_string()),
        text: fields.text("q", search_text).value(),
        created_after: fields.time("created_after").value(),
        created_before: fields.time("created_before").value(),
    }
}

fn search_text(text: &str) -> Result<String, &'static str> {
    let fits = (1..=256).contains(&text.chars().count());
    if fits { Ok(text.to_owned()) } else { Err("must be 1 to 256 characters") }
}
