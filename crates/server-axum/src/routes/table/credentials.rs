//! API keys.

use std::sync::Arc;

use waypost_core::credentials::Scope;
use waypost_core::wire::v1::{self, ErrorCode as Code};

use crate::app::App;
use crate::routes::{BODY, JSON, Parameter, Route, api_keys};

pub(in crate::routes) fn routes() -> Vec<Route<Arc<App>>> {
    vec![
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
    ]
}
