//! Webhook endpoints and deliveries.

use std::sync::Arc;

use utoipa::openapi::schema::Type;
use waypost_core::credentials::Scope;
use waypost_core::limits;
use waypost_core::webhooks::DeliveryStatus;
use waypost_core::wire::v1::{self, ErrorCode as Code};

use crate::app::App;
use crate::routes::webhooks::{deliveries, endpoints, keys, trial};
use crate::routes::{Access, BODY, JSON, MERGE_PATCH, Parameter, Route};

pub(in crate::routes) fn routes() -> Vec<Route<Arc<App>>> {
    [owned(), tried(), delivered()].into_iter().flatten().collect()
}

fn id() -> Parameter {
    Parameter::path("id", "The endpoint's id.")
}

fn delivery_id() -> Parameter {
    Parameter::path("delivery_id", "The delivery's id.")
}

/// The endpoints themselves.
fn owned() -> Vec<Route<Arc<App>>> {
    vec![
        Route::post("/v1/webhooks", Scope::WebhooksWrite, endpoints::register)
            .limited_by(limits::WEBHOOK_REGISTRATIONS)
            .says("webhooks", "registerWebhook", "Register a webhook endpoint")
            .reads::<v1::RegisterWebhook>("RegisterWebhook", BODY, JSON)
            .keyed()
            .answers::<v1::Webhook>(
                201,
                "Webhook",
                "It is registered; its secret is shown this once.",
                &["ETag", "Location"],
            )
            .fails(&[Code::Conflict]),
        Route::get("/v1/webhooks", Scope::WebhooksRead, endpoints::list)
            .says("webhooks", "listWebhooks", "List webhook endpoints, oldest first")
            .answers::<v1::Page<v1::Webhook>>(200, "WebhookPage", "All of them.", &[]),
        Route::get("/v1/webhooks/{id}", Scope::WebhooksRead, endpoints::read)
            .says("webhooks", "readWebhook", "Read a webhook endpoint")
            .takes([id()])
            .answers::<v1::Webhook>(200, "Webhook", "The endpoint.", &["ETag"])
            .unless_known()
            .fails(&[Code::NotFound]),
        Route::patch("/v1/webhooks/{id}", Scope::WebhooksWrite, endpoints::update)
            .says("webhooks", "updateWebhook", "Change a webhook endpoint by merge patch (RFC 7396)")
            .takes([id(), Parameter::header("If-Match", "The `ETag` of the version that may be changed.")])
            .reads::<v1::UpdateWebhook>("UpdateWebhook", BODY, MERGE_PATCH)
            .keyed()
            .answers::<v1::Webhook>(200, "Webhook", "The endpoint as it is now.", &["ETag"])
            .fails(&[Code::NotFound, Code::VersionMismatch]),
        Route::delete("/v1/webhooks/{id}", Scope::WebhooksWrite, endpoints::delete)
            .says("webhooks", "deleteWebhook", "Delete a webhook endpoint, and what is owed to it")
            .takes([id()])
            .answers_nothing(204, "The endpoint is gone.")
            .fails(&[Code::NotFound]),
        Route::post("/v1/webhooks/{id}/secret/rotate", Scope::WebhooksWrite, endpoints::rotate)
            .says(
                "webhooks",
                "rotateWebhookSecret",
                "Make another secret; those before it are used for a while beside it",
            )
            .takes([id()])
            .reads::<v1::RotateSecret>("RotateSecret", BODY, JSON)
            .keyed()
            .answers::<v1::Webhook>(200, "Webhook", "The endpoint; the new secret is shown this once.", &["ETag"])
            .fails(&[Code::NotFound, Code::Conflict]),
    ]
}

/// Calls that the server makes because it is asked to, and what they can be checked with.
fn tried() -> Vec<Route<Arc<App>>> {
    vec![
        Route::post("/v1/webhooks/{id}/test", Scope::WebhooksWrite, trial::test)
            .limited_by(limits::WEBHOOK_REGISTRATIONS)
            .says("webhooks", "testWebhook", "Send `webhook.test` now, once")
            .takes([id()])
            .keyed()
            .answers::<v1::TestedWebhook>(200, "TestedWebhook", "How the call went.", &[])
            .fails(&[Code::NotFound]),
        Route::post("/v1/webhooks/{id}/verify", Scope::WebhooksWrite, trial::verify)
            .limited_by(limits::WEBHOOK_REGISTRATIONS)
            .says("webhooks", "verifyWebhook", "Have an endpoint prove that it is its owner's, by `webhook.challenge`")
            .takes([id()])
            .keyed()
            .answers::<v1::VerifiedWebhook>(200, "VerifiedWebhook", "Whether it did.", &[])
            .fails(&[Code::NotFound, Code::Conflict]),
        Route::get("/.well-known/webhook-keys.json", Access::Public, keys::published)
            .says("webhooks", "readWebhookKeys", "The keys that deliveries are signed with (RFC 7517)")
            .answers_with("application/json", "The keys.", &[]),
    ]
}

/// Deliveries.
fn delivered() -> Vec<Route<Arc<App>>> {
    let limit = Parameter::query("limit", Type::Integer, "How many rows, 1 to 100; more counts as 100. Default 20.");
    vec![
        Route::get("/v1/webhooks/{id}/deliveries", Scope::WebhooksRead, deliveries::list)
            .says("webhooks", "listWebhookDeliveries", "List deliveries, the newest events first")
            .takes([
                id(),
                limit,
                Parameter::query("cursor", Type::String, "`next_cursor` of the page before."),
                Parameter::one_of("status", DeliveryStatus::NAMES, "Stands so."),
                Parameter::query("type", Type::String, "Is of an event of this type."),
                Parameter::time("created_after", "Is of an event that was made after this moment."),
                Parameter::time("created_before", "Is of an event that was made before this moment."),
            ])
            .answers::<v1::Page<v1::WebhookDelivery>>(200, "WebhookDeliveryPage", "Some of them.", &["Link"])
            .fails(&[Code::NotFound, Code::InvalidCursor]),
        Route::get("/v1/webhooks/{id}/deliveries/{delivery_id}", Scope::WebhooksRead, deliveries::read)
            .says("webhooks", "readWebhookDelivery", "Read a delivery with its attempts")
            .takes([id(), delivery_id()])
            .answers::<v1::WebhookDelivery>(200, "WebhookDelivery", "The delivery.", &[])
            .fails(&[Code::NotFound]),
        Route::post("/v1/webhooks/{id}/deliveries/{delivery_id}/retry", Scope::WebhooksWrite, deliveries::retry)
            .says("webhooks", "retryWebhookDelivery", "Have a delivery made again, whatever its state")
            .takes([id(), delivery_id()])
            .keyed()
            .answers::<v1::WebhookDelivery>(202, "WebhookDelivery", "It is due now.", &[])
            .fails(&[Code::NotFound, Code::Conflict]),
        Route::post("/v1/webhooks/{id}/recover", Scope::WebhooksWrite, deliveries::recover)
            .says("webhooks", "recoverWebhook", "Have deliveries made again that were given up")
            .takes([id()])
            .reads::<v1::RecoverWebhook>("RecoverWebhook", BODY, JSON)
            .keyed()
            .answers::<v1::RecoveredWebhook>(202, "RecoveredWebhook", "So many are due now.", &[])
            .fails(&[Code::NotFound, Code::Conflict]),
        Route::post("/v1/webhooks/{id}/replay", Scope::WebhooksWrite, deliveries::replay)
            .says("webhooks", "replayWebhook", "Have events sent that never were")
            .takes([id()])
            .reads::<v1::ReplayWebhook>("ReplayWebhook", BODY, JSON)
            .keyed()
            .answers::<v1::ReplayedWebhook>(202, "ReplayedWebhook", "So many are due now.", &[])
            .fails(&[Code::NotFound, Code::Conflict, Code::InvalidCursor]),
        Route::get("/v1/webhooks/{id}/stats", Scope::WebhooksRead, deliveries::stats)
            .says("webhooks", "readWebhookStats", "How calls of an endpoint went")
            .takes([
                id(),
                Parameter::time("since", "From this moment on, brought down to the hour. Default: a day ago."),
            ])
            .answers::<v1::WebhookStats>(200, "WebhookStats", "What was measured.", &[])
            .fails(&[Code::NotFound]),
    ]
}
