//! Signing in, and sessions of browsers.

use std::sync::Arc;

use utoipa::openapi::schema::Type;
use waypost_core::limits;
use waypost_core::wire::v1::{self, ErrorCode as Code};

use crate::app::App;
use crate::routes::{Access, BODY, JSON, Parameter, Route, login};

pub(in crate::routes) fn routes() -> Vec<Route<Arc<App>>> {
    vec![
        Route::get("/auth/login", Access::Public, login::begin)
            .limited_by(limits::SIGN_INS)
            .says("sessions", "beginLogin", "Send a browser to the provider that people sign in at")
            .takes([Parameter::query("return_to", Type::String, "A path of this server to go to afterwards.")])
            .answers_nothing(303, "To the provider.")
            .answers_page(404, "The server has no provider.")
            .answers_page(503, "The provider is away."),
        Route::get("/auth/callback", Access::Public, login::finish)
            .limited_by(limits::SIGN_INS)
            .says("sessions", "finishLogin", "Take a browser back from the provider")
            .takes([
                Parameter::query("code", Type::String, "What the provider gave."),
                Parameter::query("state", Type::String, "What it was sent off with."),
                Parameter::query("iss", Type::String, "Who answers (RFC 9207)."),
                Parameter::query("error", Type::String, "What went wrong there."),
            ])
            .answers_nothing(303, "Signed in: onward, with the cookie of a session.")
            .answers_page(400, "Nobody signed in: the answer is not one to a sign-in of this browser.")
            .answers_page(403, "Nobody signed in: the provider said no, or the person is no member here.")
            .answers_page(404, "The server has no provider.")
            .answers_page(503, "The provider is away."),
        Route::get("/auth/session", Access::Session, login::current)
            .says("sessions", "readSession", "Who is signed in by this browser")
            .answers::<v1::CurrentSession>(200, "CurrentSession", "The session.", &[]),
        Route::get("/auth/sessions", Access::Session, login::list)
            .says("sessions", "listSessions", "List the browsers that the same person is signed in by")
            .answers::<v1::Page<v1::Session>>(200, "SessionPage", "All of them, the newest first.", &[]),
        Route::delete("/auth/sessions/{id}", Access::Session, login::end)
            .says("sessions", "endSession", "Sign one of these browsers out")
            .takes([Parameter::path("id", "The session's id.")])
            .answers_nothing(204, "It is signed out.")
            .fails(&[Code::NotFound]),
        Route::post("/auth/session/workspace", Access::Session, login::switch)
            .says("sessions", "switchWorkspace", "Go on in another workspace of the same person, by a new session")
            .reads::<v1::SwitchWorkspace>("SwitchWorkspace", BODY, JSON)
            .answers_nothing(204, "The cookie is that of the new session, and the one before has ended.")
            .fails(&[Code::NotFound]),
        Route::post("/auth/logout", Access::Session, login::logout)
            .says("sessions", "logout", "Sign this browser out")
            .answers_nothing(204, "It is signed out."),
        Route::post("/auth/logout-all", Access::Session, login::logout_all)
            .says("sessions", "logoutAll", "End every session of the person, and what they allowed to clients")
            .answers_nothing(204, "All are signed out."),
    ]
}
