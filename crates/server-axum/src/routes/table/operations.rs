//! What operators, readers of the documentation and visitors look at.

use std::sync::Arc;

use waypost_core::credentials::Scope;
use waypost_core::wire::v1::{self, ErrorCode as Code};

use crate::app::App;
use crate::routes::{Access, Parameter, Route, deprecations, docs, health, page};

pub(in crate::routes) fn routes() -> Vec<Route<Arc<App>>> {
    vec![
        Route::get("/v1/deprecations", Scope::UsageRead, deprecations::list)
            .says("operations", "listDeprecations", "List routes on their way out, and who of the workspace calls them")
            .answers::<v1::Page<v1::Deprecation>>(200, "DeprecationPage", "All of them; there is one page.", &[]),
        Route::get("/livez", Access::Public, health::livez)
            .says("operations", "readLiveness", "Whether the process answers")
            .answers_with("application/json", "It does.", &[]),
        Route::get("/readyz", Access::Public, health::readyz)
            .says("operations", "readReadiness", "Whether the server is ready, by dependency")
            .answers_with("application/json", "It is.", &[])
            .answers_also(503, "It is not, or it is about to stop."),
        Route::get("/metrics", Access::Public, health::metrics)
            .says("operations", "readMetrics", "Figures for Prometheus")
            .answers_with("text/plain", "The figures.", &[])
            .fails(&[Code::NotFound]),
        Route::get("/", Access::Public, page::index)
            .says("page", "readPage", "The live page: links, and their clicks as they come")
            .takes([Parameter::one_of(
                "transport",
                &["sse", "socket", "poll"],
                "The only way by which the page follows events; it finds one by itself otherwise.",
            )])
            .answers_with("text/html", "The page.", &["ETag"])
            .unless_known()
            .fails(&[Code::NotFound]),
        Route::get("/assets/{part}", Access::Public, page::part)
            .says("page", "readPagePart", "A part of that page")
            .takes([Parameter::path("part", "The part's name.")])
            .answers_with("*/*", "The part.", &["ETag"])
            .unless_known()
            .fails(&[Code::NotFound]),
        Route::get("/openapi.json", Access::Public, docs::openapi)
            .says("documentation", "readOpenapi", "This document")
            .answers_with("application/json", "The document.", &[]),
        Route::get("/docs", Access::Public, docs::index)
            .says("documentation", "readDocs", "This document, to be read")
            .answers_with("text/html", "The page.", &[]),
        Route::get("/docs/{part}", Access::Public, docs::part)
            .says("documentation", "readDocsPart", "A part of that page")
            .takes([Parameter::path("part", "The part's name.")])
            .answers_with("*/*", "The part.", &[])
            .fails(&[Code::NotFound]),
        Route::get("/docs/errors", Access::Public, docs::errors)
            .says("documentation", "listErrors", "Every error code")
            .answers_with("text/html", "The page.", &[]),
        Route::get("/docs/errors/{code}", Access::Public, docs::error)
            .says("documentation", "readError", "What an error code means")
            .takes([Parameter::path("code", "The code.")])
            .answers_with("text/html", "The page.", &[])
            .fails(&[Code::NotFound]),
    ]
}
