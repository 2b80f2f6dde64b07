//! Events and their types.

use std::sync::Arc;

use utoipa::openapi::schema::Type;
use waypost_core::credentials::Scope;
use waypost_core::wire::v1::{self, ErrorCode as Code};

use crate::app::App;
use crate::routes::{Parameter, Route, event_types, events, tickets};

pub(in crate::routes) fn routes() -> Vec<Route<Arc<App>>> {
    let limit = || Parameter::query("limit", Type::Integer, "How many rows, 1 to 100; more counts as 100. Default 20.");
    vec![
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
        Route::post("/v1/events/tickets", Scope::EventsRead, tickets::create)
            .says("events", "createTicket", "Make a ticket by which a browser opens one live stream")
            .answers::<v1::Ticket>(201, "Ticket", "The ticket, good once within half a minute.", &[]),
        Route::get("/v1/event-types", Scope::EventsRead, event_types::list)
            .says("events", "listEventTypes", "List the types of events")
            .answers_with("application/json", "The types.", &[]),
        Route::get("/v1/event-types/{type}", Scope::EventsRead, event_types::read)
            .says("events", "readEventType", "Read the JSON Schema of an event's data")
            .takes([Parameter::path("type", "The type, say `link.created`.")])
            .answers_with("application/schema+json", "The schema.", &[])
            .fails(&[Code::NotFound]),
    ]
}
