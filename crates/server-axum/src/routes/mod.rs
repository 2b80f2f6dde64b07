//! The routes: one table, from which the router, the checks before a handler, `Allow`, and the OpenAPI document come.
//!
//! A route without a declared access does not compile, and one that is not in the table is not served.

mod api_keys;
mod bulk;
mod deprecations;
mod docs;
mod event_types;
mod events;
mod health;
mod links;
mod login;
mod members;
mod oauth;
mod proxied;
mod qr;
mod route;
mod stats;
mod webhooks;

use std::sync::Arc;

use utoipa::openapi::schema::Type;
use waypost_core::clicks::{Facet, Interval};
use waypost_core::clients::Clients;
use waypost_core::credentials::Scope;
use waypost_core::limits;
use waypost_core::links::LinkSort;
use waypost_core::wire::v1::{self, ErrorCode};

use crate::app::App;

pub(crate) use proxied::proxied;
pub(crate) use route::{Access, BodyRule, Parameter, Place, Route, Rules};

const KIB: usize = 1_024;
/// The bounds of a body (§12).
const BODY: usize = 1_024 * KIB;
const BULK_BODY: usize = 16 * 1_024 * KIB;
/// The most bytes of a form: two tokens of the largest size, several times over.
const FORM_BODY: usize = 64 * KIB;

const JSON: &[&str] = &["application/json"];
const FORM: &[&str] = &["application/x-www-form-urlencoded"];
const MERGE_PATCH: &[&str] = &["application/merge-patch+json", "application/json"];

/// Every route of the API.
pub(crate) fn table() -> Vec<Route<Arc<App>>> {
    use Access::Public;
    use ErrorCode as Code;

    let id = || Parameter::path("id", "The link's id.");
    let client = || Parameter::path("id", "The client's id.");
    let limit = || Parameter::query("limit", Type::Integer, "How many rows, 1 to 100; more counts as 100. Default 20.");
    let cursor = || Parameter::query("cursor", Type::String, "`next_cursor` of the page before.");
    let member_id = || Parameter::path("id", "The user's id.");
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
        Route::post("/v1/webhooks", Scope::WebhooksWrite, webhooks::register)
            .limited_by(limits::WEBHOOK_REGISTRATIONS)
            .says("webhooks", "registerWebhook", "Register a webhook endpoint")
            .reads::<v1::RegisterWebhook>("RegisterWebhook", BODY, JSON)
            .keyed()
            .answers::<v1::Webhook>(201, "Webhook", "It is registered; its secret is shown this once.", &["Location"])
            .fails(&[Code::Conflict]),
        Route::get("/v1/webhooks", Scope::WebhooksRead, webhooks::list)
            .says("webhooks", "listWebhooks", "List webhook endpoints, oldest first")
            .answers::<v1::Page<v1::Webhook>>(200, "WebhookPage", "All of them.", &[]),
        Route::get("/v1/webhooks/{id}", Scope::WebhooksRead, webhooks::read)
            .says("webhooks", "readWebhook", "Read a webhook endpoint")
            .takes([Parameter::path("id", "The endpoint's id.")])
            .answers::<v1::Webhook>(200, "Webhook", "The endpoint.", &[])
            .fails(&[Code::NotFound]),
        Route::delete("/v1/webhooks/{id}", Scope::WebhooksWrite, webhooks::delete)
            .says("webhooks", "deleteWebhook", "Delete a webhook endpoint")
            .takes([Parameter::path("id", "The endpoint's id.")])
            .answers_nothing(204, "The endpoint is gone.")
            .fails(&[Code::NotFound]),
        Route::post("/v1/api-keys", Scope::KeysWrite, api_keys::create)
            .says("credentials", "createApiKey", "Make an API key")
            .reads::<v1::CreateApiKey>("CreateApiKey", BODY, JSON)
            .keyed()
            .answers::<v1::ApiKey>(201, "ApiKey", "It was made; its text is shown this once.", &["Location"])
            .fails(&[Code::Forbidden]),
        Route::get("/v1/api-keys", Scope::KeysRead, api_keys::list)
            .says("credentials", "listApiKeys", "List API keys, oldest first")
            .answers::<v1::Page<v1::ApiKey>>(200, "ApiKeyPage", "All of them.", &[]),
        Route::get("/v1/api-keys/{id}", Scope::KeysRead, api_keys::read)
            .says("credentials", "readApiKey", "Read an API key, without its text")
            .takes([Parameter::path("id", "The key's id.")])
            .answers::<v1::ApiKey>(200, "ApiKey", "The key.", &[])
            .fails(&[Code::NotFound]),
        Route::post("/v1/api-keys/{id}/rotate", Scope::KeysWrite, api_keys::rotate)
            .says("credentials", "rotateApiKey", "Replace an API key; the old one is good for a while")
            .takes([Parameter::path("id", "The key's id.")])
            .reads::<v1::RotateApiKey>("RotateApiKey", BODY, JSON)
            .keyed()
            .answers::<v1::ApiKey>(201, "ApiKey", "The new one; its text is shown this once.", &["Location"])
            .fails(&[Code::NotFound, Code::Conflict, Code::Forbidden]),
        Route::delete("/v1/api-keys/{id}", Scope::KeysWrite, api_keys::revoke)
            .says("credentials", "revokeApiKey", "Revoke an API key, for good")
            .takes([Parameter::path("id", "The key's id.")])
            .answers_nothing(204, "It is revoked, on every node within a second.")
            .fails(&[Code::NotFound]),
        Route::get("/v1/deprecations", Scope::UsageRead, deprecations::list)
            .says("operations", "listDeprecations", "List routes on their way out, and who of the workspace calls them")
            .answers::<v1::Page<v1::Deprecation>>(200, "DeprecationPage", "All of them; there is one page.", &[]),
        Route::post("/v1/oauth/clients", Scope::ClientsWrite, oauth::clients::create)
            .says("oauth", "createOauthClient", "Register an OAuth client; its secret is shown this once")
            .reads::<v1::CreateOAuthClient>("CreateOAuthClient", BODY, JSON)
            .keyed()
            .answers::<v1::IssuedOAuthClient>(201, "IssuedOAuthClient", "It was registered.", &["Location"])
            .fails(&[Code::Forbidden]),
        Route::get("/v1/oauth/clients", Scope::ClientsRead, oauth::clients::list)
            .says("oauth", "listOauthClients", "List OAuth clients that are not revoked, oldest first")
            .answers::<v1::Page<v1::OAuthClient>>(200, "OAuthClientPage", "All of them.", &[]),
        Route::get("/v1/oauth/clients/{id}", Scope::ClientsRead, oauth::clients::read)
            .says("oauth", "readOauthClient", "Read an OAuth client")
            .takes([client()])
            .answers::<v1::OAuthClient>(200, "OAuthClient", "The client.", &[])
            .fails(&[Code::NotFound]),
        Route::delete("/v1/oauth/clients/{id}", Scope::ClientsWrite, oauth::clients::revoke)
            .says("oauth", "revokeOauthClient", "Revoke an OAuth client, its tokens, and what people granted it")
            .takes([client()])
            .answers_nothing(204, "It is revoked.")
            .fails(&[Code::NotFound, Code::Conflict]),
        Route::post("/v1/oauth/clients/{id}/secret/rotate", Scope::ClientsWrite, oauth::clients::rotate)
            .says("oauth", "rotateOauthClientSecret", "Make another secret; it is shown this once")
            .takes([client()])
            .reads::<v1::RotateSecret>("RotateSecret", BODY, JSON)
            .keyed()
            .answers::<v1::IssuedOAuthClient>(200, "IssuedOAuthClient", "The secret was made.", &[])
            .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict]),
        Route::post(Clients::TOKEN_PATH, Public, oauth::token::issue)
            .says("oauth", "issueToken", "Get tokens (RFC 6749)")
            .reads::<v1::TokenRequest>("TokenRequest", FORM_BODY, FORM)
            .answers::<v1::TokenResponse>(200, "TokenResponse", "The tokens.", &[])
            .fails(&[Code::Unauthenticated])
            .speaks_oauth(),
        Route::get(oauth::AUTHORIZE, Public, oauth::authorize::ask)
            .says("oauth", "askPerson", "Ask a person what a client may do in their name (RFC 6749 §4.1)")
            .takes([
                Parameter::query("response_type", Type::String, "`code`."),
                Parameter::query("client_id", Type::String, "Who asks."),
                Parameter::query(
                    "redirect_uri",
                    Type::String,
                    "Where the person is sent back to, as it is registered.",
                ),
                Parameter::query("scope", Type::String, "What for; all that the client may if absent."),
                Parameter::query("state", Type::String, "Given back as it is."),
                Parameter::query("code_challenge", Type::String, "By S256 (RFC 7636)."),
                Parameter::query("code_challenge_method", Type::String, "`S256`."),
            ])
            .answers_with("text/html", "The page that asks.", &[])
            .answers_nothing(303, "To sign in first, or back to the client with why not.")
            .answers_page(400, "Client and redirect URI do not belong together: nobody is sent anywhere.")
            .answers_page(404, "Nobody signs in here: the server has no provider."),
        Route::post(oauth::AUTHORIZE, Access::Session, oauth::authorize::answer)
            .says("oauth", "answerClient", "Say what a client may do; from the page that asks")
            .reads::<v1::TokenRequest>("TokenRequest", FORM_BODY, FORM)
            .answers_nothing(303, "Back to the client, with a code or with why not.")
            .answers_page(400, "Client and redirect URI do not belong together: nobody is sent anywhere."),
        Route::post(oauth::REVOKE, Public, oauth::inspection::revoke)
            .says("oauth", "revokeToken", "Take a token back (RFC 7009)")
            .reads::<v1::TokenReference>("TokenReference", FORM_BODY, FORM)
            .answers_nothing(200, "It is not good any more, or never was.")
            .fails(&[Code::Unauthenticated])
            .speaks_oauth(),
        Route::post(oauth::INTROSPECT, Public, oauth::inspection::introspect)
            .says("oauth", "introspectToken", "Look at a token of your workspace (RFC 7662)")
            .reads::<v1::TokenReference>("TokenReference", FORM_BODY, FORM)
            .answers::<v1::Introspection>(200, "Introspection", "What there is to know of it.", &[])
            .fails(&[Code::Unauthenticated])
            .speaks_oauth(),
        Route::get("/.well-known/oauth-authorization-server", Public, oauth::metadata::server)
            .says("oauth", "readOauthServer", "What the authorisation server can do (RFC 8414)")
            .answers_with("application/json", "The metadata.", &[]),
        Route::get("/.well-known/oauth-protected-resource", Public, oauth::metadata::resource)
            .says("oauth", "readOauthResource", "Whose tokens the API takes (RFC 9728)")
            .answers_with("application/json", "The metadata.", &[]),
        Route::get(oauth::KEYS, Public, oauth::metadata::keys)
            .says("oauth", "readKeys", "The keys that tokens are signed with (RFC 7517)")
            .answers_with("application/json", "The keys.", &[]),
        Route::get("/v1/members", Scope::MembersRead, members::list)
            .says("members", "listMembers", "List the members of the workspace, the longest first")
            .answers::<v1::Page<v1::Member>>(200, "MemberPage", "All of them.", &[]),
        Route::post("/v1/members", Scope::MembersWrite, members::add)
            .says("members", "addMember", "Make somebody a member")
            .reads::<v1::AddMember>("AddMember", BODY, JSON)
            .keyed()
            .answers::<v1::Member>(201, "Member", "They are a member.", &["Location"])
            .fails(&[Code::Conflict, Code::NotFound]),
        Route::get("/v1/members/{id}", Scope::MembersRead, members::read)
            .says("members", "readMember", "Read a member")
            .takes([member_id()])
            .answers::<v1::Member>(200, "Member", "The member.", &[])
            .fails(&[Code::NotFound]),
        Route::patch("/v1/members/{id}", Scope::MembersWrite, members::update)
            .says("members", "updateMember", "Give a member another role")
            .takes([member_id()])
            .reads::<v1::UpdateMember>("UpdateMember", BODY, MERGE_PATCH)
            .keyed()
            .answers::<v1::Member>(200, "Member", "The member as it is now.", &[])
            .fails(&[Code::NotFound, Code::Conflict]),
        Route::delete("/v1/members/{id}", Scope::MembersWrite, members::remove)
            .says("members", "removeMember", "Take somebody out of the workspace, and end their sessions there")
            .takes([member_id()])
            .answers_nothing(204, "They are no member any more.")
            .fails(&[Code::NotFound, Code::Conflict]),
        Route::get("/auth/login", Public, login::begin)
            .limited_by(limits::SIGN_INS)
            .says("sessions", "beginLogin", "Send a browser to the provider that people sign in at")
            .takes([Parameter::query("return_to", Type::String, "A path of this server to go to afterwards.")])
            .answers_nothing(303, "To the provider.")
            .answers_page(404, "The server has no provider.")
            .answers_page(503, "The provider is away."),
        Route::get("/auth/callback", Public, login::finish)
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
