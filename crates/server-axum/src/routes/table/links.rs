//! Links, their statistics and their QR codes.

use std::sync::Arc;

use utoipa::openapi::schema::Type;
use waypost_core::clicks::{Facet, Interval};
use waypost_core::credentials::Scope;
use waypost_core::links::LinkSort;
use waypost_core::wire::v1::{self, ErrorCode as Code};

use crate::app::App;
use crate::routes::{BODY, BULK_BODY, JSON, MERGE_PATCH, Parameter, Route, bulk, links, qr, stats};

pub(in crate::routes) fn routes() -> Vec<Route<Arc<App>>> {
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
    ]
}
