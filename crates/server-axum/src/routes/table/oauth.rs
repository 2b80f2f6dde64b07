//! OAuth.

use std::sync::Arc;

use utoipa::openapi::schema::Type;
use waypost_core::clients::Clients;
use waypost_core::credentials::Scope;
use waypost_core::wire::v1::{self, ErrorCode as Code};

use crate::app::App;
use crate::routes::{Access, BODY, FORM, FORM_BODY, JSON, Parameter, Route, oauth};

pub(in crate::routes) fn routes() -> Vec<Route<Arc<App>>> {
    let client = || Parameter::path("id", "The client's id.");
    vec![
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
        Route::post(Clients::TOKEN_PATH, Access::Public, oauth::token::issue)
            .says("oauth", "issueToken", "Get tokens (RFC 6749)")
            .reads::<v1::TokenRequest>("TokenRequest", FORM_BODY, FORM)
            .answers::<v1::TokenResponse>(200, "TokenResponse", "The tokens.", &[])
            .fails(&[Code::Unauthenticated])
            .speaks_oauth(),
        Route::get(oauth::AUTHORIZE, Access::Public, oauth::authorize::ask)
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
        Route::post(oauth::REVOKE, Access::Public, oauth::inspection::revoke)
            .says("oauth", "revokeToken", "Take a token back (RFC 7009)")
            .reads::<v1::TokenReference>("TokenReference", FORM_BODY, FORM)
            .answers_nothing(200, "It is not good any more, or never was.")
            .fails(&[Code::Unauthenticated])
            .speaks_oauth(),
        Route::post(oauth::INTROSPECT, Access::Public, oauth::inspection::introspect)
            .says("oauth", "introspectToken", "Look at a token of your workspace (RFC 7662)")
            .reads::<v1::TokenReference>("TokenReference", FORM_BODY, FORM)
            .answers::<v1::Introspection>(200, "Introspection", "What there is to know of it.", &[])
            .fails(&[Code::Unauthenticated])
            .speaks_oauth(),
        Route::get("/.well-known/oauth-authorization-server", Access::Public, oauth::metadata::server)
            .says("oauth", "readOauthServer", "What the authorisation server can do (RFC 8414)")
            .answers_with("application/json", "The metadata.", &[]),
        Route::get("/.well-known/oauth-protected-resource", Access::Public, oauth::metadata::resource)
            .says("oauth", "readOauthResource", "Whose tokens the API takes (RFC 9728)")
            .answers_with("application/json", "The metadata.", &[]),
        Route::get(oauth::KEYS, Access::Public, oauth::metadata::keys)
            .says("oauth", "readKeys", "The keys that tokens are signed with (RFC 7517)")
            .answers_with("application/json", "The keys.", &[]),
    ]
}
