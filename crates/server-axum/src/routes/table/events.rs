//! Events and their types.

use std::sync::Arc;

use utoipa::openapi::schema::Type;
use waypost_core::credentials::Scope;
use waypost_core::wire::v1::{self, ErrorCode as Code};

use crate::app::App;
use crate::gateway::routes::Kind;
use crate::routes::{Parameter, Route, event_types, events, live, tickets};

pub(in crate::routes) fn routes() -> Vec<Route<Arc<App>>> {
    let limit = || Parameter::query("limit", Type::Integer, "How many rows, 1 to 100; more counts as 100. Default 20.");
    let types = || Parameter::query("types", Type::String, "Of these types, joined by commas; at most 32.");
    let subject = || Parameter::query("subject", Type::String, "Of this subject, say a link's id.");
    let wait = "Hold the answer for so many seconds until there is an event; more than 55 counts as 55. Default 0.";
    vec![
        Route::get("/v1/events", Scope::EventsRead, events::list)
            .says("events", "listEvents", "List events, oldest first; or wait for them")
            .takes([
                limit(),
                Parameter::query("cursor", Type::String, "Go on after this place; from the oldest kept otherwise."),
                types(),
                subject(),
                Parameter::query("wait", Type::Integer, wait),
            ])
            .within(live::poll::DEADLINE)
            .answers::<v1::Page<v1::Event>>(200, "EventPage", "Some of the events.", &["Link"])
            .fails(&[Code::InvalidCursor]),
        Route::get("/v1/events/stream", Scope::EventsRead, live::stream::stream)
            .says("events", "streamEvents", "Listen to events as they happen, as server-sent events")
            .takes([
                Parameter::query("cursor", Type::String, "Go on after this place; from now on otherwise."),
                Parameter::header("Last-Event-ID", "The same, as browsers send it when they come back; it goes first."),
                Parameter::one_of("from", &["now", "start"], "Where to begin without a cursor. Default now."),
                types(),
                subject(),
                Parameter::one_of(
                    "overflow",
                    &["disconnect", "drop_oldest", "conflate"],
                    "What becomes of a client that is too slow. Default disconnect.",
                ),
            ])
            .of_kind(Kind::Stream)
            .by_ticket()
            .answers_with("text/event-stream", "The events, without an end.", &[])
            .fails(&[Code::InvalidCursor]),
        Route::post("/v1/events/tickets", Scope::EventsRead, tickets::create)
            .says("events", "createTicket", "Make a ticket by which a browser opens one live stream")
            .answers::<v1::Ticket>(201, "Ticket", "The ticket, good once within half a minute.", &[]),
        Route::get("/v1/events/socket", Scope::EventsRead, live::socket::socket)
            .says("events", "openEventSocket", "Listen to events as they happen, over a WebSocket (RFC 6455)")
            .takes([Parameter::header("Sec-WebSocket-Protocol", "`waypost.v1`, or nothing.")])
            .of_kind(Kind::Upgrade)
            .by_ticket()
            .answers_nothing(101, "The connection is a WebSocket. What goes over it: `docs/live.md`.")
            .fails(&[Code::Forbidden, Code::UpgradeRequired]),
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
