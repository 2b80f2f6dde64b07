//! The routes: one table, from which the router, the checks before a handler, `Allow`, and the OpenAPI document come.
//!
//! A route without a declared access does not compile, and one that is not in the table is not served.

mod bulk;
mod docs;
mod event_types;
mod events;
mod health;
mod links;
mod proxied;
mod qr;
mod route;
mod stats;

use std::sync::Arc;

use utoipa::openapi::schema::Type;
use waypost_core::clicks::{Facet, Interval};
use waypost_core::credentials::Scope;
use waypost_core::links::LinkSort;
use waypost_core::wire::v1::{self, ErrorCode};

use crate::app::App;

pub(crate) use proxied::proxied;
pub(crate) use route::{Access, BodyRule, Parameter, Place, Route, Rules};

const KIB: usize = 1_024;
/// The bounds of a body (§12).
const BODY: usize = 1_024 * KIB;
const BULK_BODY: usize = 16 * 1_024 * KIB;

const JSON: &[&str] = &["application/json"];
const MERGE_PATCH: &[&str] = &["application/merge-patch+json", "application/json"];

/// Every route of the API.
pub(crate) fn table() -> Vec<Route<Arc<App>>> {
    use Access::Public;
    use ErrorCode as Code;

    let id = || Parameter::path("id", "The link's id.");
    let limit = || Parameter::query("limit", Type::Integer, "How many rows, 1 to 100; more counts as 100. Default 20.");
    let cursor = || Parameter::query("cursor", Type::String, "`next_cursor` of the page before.");
    let size = || Parameter::query("size", Type::Integer, "The side in pixels, 64 to 2048. Default 256.");

    vec![
        Route::post("/v1/links", Scope::LinksWrite, links::create)
            .says("links", "createLink", "Create a link")
            .reads::<v1::CreateLink>("CreateLink", BODY, JSON)
            .keyed()
            .answers::<v1::Link>(201, "Link", "The link was made.", &["ETag", "Location"])
            .fails(&[Code::SlugTaken]),
        Route::get("/v1/links", Scope::LinksRead, links::list)
            .says("links", "listLinks", "List links")
            .takes([
                limit(),
                cursor(),
                Parameter::one_of("sort", &LinkSort::ALLOWED, "The order; `-` turns it round. Default `-created_at`."),
                Parameter::query("tag", Type::String, "Has this tag."),
                Parameter::query("domain", Type::String, "Is followed under this domain."),
                Parameter::query("destination", Type::String, "Leads exactly there."),
                Parameter::query("q", Type::String, "Has this text in its slug, title or destination."),
                Parameter::time("created_after", "Was made after this moment."),
                Parameter::time("created_before", "Was made before this moment."),
            ])
            .answers::<v1::Page<v1::Link>>(200, "LinkPage", "Some of the links.", &["Link"])
            .fails(&[Code::InvalidCursor]),
        Route::post("/v1/links/bulk", Scope::LinksWrite, bulk::create)
            .says("links", "createLinks", "Create up to 1,000 links")
            .reads::<v1::BulkCreate>("BulkCreate", BULK_BODY, JSON)
            .keyed()
            .answers::<v1::BulkResults>(201, "BulkResults", "All were made (`atomic`).", &[])
            .answers::<v1::BulkResults>(207, "BulkResults", "What became of each.", &[])
            .fails(&[Code::SlugTaken]),
        Route::get("/v1/links/{id}", Scope::LinksRead, links::read)
            .says("links", "readLink", "Read a link")
            .takes([id()])
            .answers::<v1::Link>(200, "Link", "The link.", &["ETag"])
            .unless_known()
            .fails(&[Code::NotFound, Code::ValidationFailed]),
        Route::patch("/v1/links/{id}", Scope::LinksWrite, links::update)
            .says("links", "updateLink", "Edit a link by merge patch (RFC 7396)")
            .takes([id(), Parameter::header("If-Match", "The `ETag` of the version that may be changed.")])
            .reads::<v1::UpdateLink>("UpdateLink", BODY, MERGE_PATCH)
            .keyed()
            .answers::<v1::Link>(200, "Link", "The link as it is now.", &["ETag"])
            .fails(&[Code::NotFound, Code::Conflict, Code::VersionMismatch]),
        Route::delete("/v1/links/{id}", Scope::LinksWrite, links::delete)
            .says("links", "deleteLink", "Delete a link")
            .takes([id(), Parameter::header("If-Match", "The `ETag` of the version that may be deleted.")])
            .answers_nothing(204, "The link is gone.")
            .fails(&[Code::NotFound, Code::Conflict, Code::VersionMismatch]),
        Route::get("/v1/links/{id}/stats", Scope::AnalyticsRead, stats::read)
            .says("analytics", "readLinkStats", "Count the clicks of a link")
            .takes([
                id(),
                Parameter::time("from", "From this moment on, brought down to the hour. Default: 30 days before `to`."),
                Parameter::time("to", "Up to this moment, brought up to the hour. Default: now."),
                Parameter::one_of("interval", &Interval::ALLOWED, "How wide a bucket is. Default: by the range."),
                Parameter::one_of("group_by", &Facet::ALL.map(Facet::as_str), "What to group by."),
            ])
            .answers::<v1::Stats>(200, "Stats", "What was counted.", &[])
            .fails(&[Code::NotFound]),
        Route::get("/v1/links/{id}/qr.svg", Scope::LinksRead, qr::svg)
            .says("links", "readLinkQrSvg", "Draw a link's QR code as SVG")
            .takes([id(), size()])
            .answers_with("image/svg+xml", "The QR code.", &["ETag"])
            .unless_known()
            .fails(&[Code::NotFound]),
        Route::get("/v1/links/{id}/qr.png", Scope::LinksRead, qr::png)
            .says("links", "readLinkQrPng", "Draw a link's QR code as PNG")
            .takes([id(), size()])
            .answers_with("image/png", "The QR code.", &["ETag"])
            .unless_known()
            .fails(&[Code::NotFound]),
        Route::get("/v1/events", Scope::EventsRead, events::list)
            .says("events", "listEvents", "List events, oldest first")
            .takes([
                limit(),
                Parameter::query("cursor", Type::String, "Go on after this place; from the oldest kept otherwise."),
                Parameter::query("types", Type::String, "Of these types, joined by commas."),
                Parameter::query("subject", Type::String, "Of this subject, say a link's id."),
            ])
            .answers::<v1::Page<v1::Event>>(200, "EventPage", "Some of the events.", &["Link"])
            .fails(&[Code::InvalidCursor]),
        Route::get("/v1/event-types", Scope::EventsRead, event_types::list)
            .says("events", "listEventTypes", "List the types of events")
            .answers_with("application/json", "The types.", &[]),
        Route::get("/v1/event-types/{type}", Scope::EventsRead, event_types::read)
            .says("events", "readEventType", "Read the JSON Schema of an event's data")
            .takes([Parameter::path("type", "The type, say `link.created`.")])
            .answers_with("application/schema+json", "The schema.", &[])
            .fails(&[Code::NotFound]),
        Route::get("/livez", Public, health::livez)
            .says("operations", "readLiveness", "Whether the process answers")
            .answers_with("application/json", "It does.", &[]),
        Route::get("/readyz", Public, health::readyz)
            .says("operations", "readReadiness", "Whether the server is ready, by dependency")
            .answers_with("application/json", "It is.", &[])
            .answers_also(503, "It is not, or it is about to stop."),
        Route::get("/metrics", Public, health::metrics)
            .says("operations", "readMetrics", "Figures for Prometheus")
            .answers_with("text/plain", "The figures.", &[])
            .fails(&[Code::NotFound]),
        Route::get("/openapi.json", Public, docs::openapi)
            .says("documentation", "readOpenapi", "This document")
            .answers_with("application/json", "The document.", &[]),
        Route::get("/docs", Public, docs::index)
            .says("documentation", "readDocs", "This document, to be read")
            .answers_with("text/html", "The page.", &[]),
        Route::get("/docs/{part}", Public, docs::part)
            .says("documentation", "readDocsPart", "A part of that page")
            .takes([Parameter::path("part", "The part's name.")])
            .answers_with("*/*", "The part.", &[])
            .fails(&[Code::NotFound]),
        Route::get("/docs/errors", Public, docs::errors)
            .says("documentation", "listErrors", "Every error code")
            .answers_with("text/html", "The page.", &[]),
        Route::get("/docs/errors/{code}", Public, docs::error)
            .says("documentation", "readError", "What an error code means")
            .takes([Parameter::path("code", "The code.")])
            .answers_with("text/html", "The page.", &[])
            .fails(&[Code::NotFound]),
    ]
}

#[cfg(test)]
mod tests {
    use waypost_core::links::RESERVED;

    use super::*;

    #[test]
    fn no_slug_can_hide_a_route_nor_a_route_a_slug() {
        for route in table() {
            let first = route.path.split('/').nth(1).unwrap_or_default();
            assert!(RESERVED.contains(&first), "{first:?} of {} must be reserved in links::RESERVED", route.path);
        }
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let mut names: Vec<_> = table().into_iter().map(|route| route.doc.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(names.iter().all(|name| !name.is_empty()));
    }
}
