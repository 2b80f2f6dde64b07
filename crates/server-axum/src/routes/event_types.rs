//! Event types and the schemas of their data.

use axum::extract::RawPathParams;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use waypost_core::wire::v1;

use crate::error::ApiError;
use crate::reply::{self, Reply};

/// The types that a server of this version tells of: each with its meaning, and the name of its data's schema.
pub(crate) const TYPES: [(&str, &str, &str); 9] = [
    ("link.created", "A link was made.", "LinkData"),
    ("link.updated", "A link was edited.", "LinkData"),
    ("link.deleted", "A link was deleted; the data show it as it was.", "Deleted"),
    ("link.expired", "A link's `expires_at` has come.", "LinkData"),
    (
        "link.clicked",
        "A link was followed; the data count the clicks since the last event of this link, and in all.",
        "Clicked",
    ),
    ("webhook.failing", "A webhook endpoint has failed for a day or longer, and will be disabled.", "WebhookFailing"),
    (
        "webhook.disabled",
        "A webhook endpoint was disabled, since it failed for five days or is gone.",
        "WebhookFailing",
    ),
    ("webhook.test", "Its owner tries a webhook endpoint. Sent to that endpoint alone, and in no list.", "WebhookTest"),
    (
        "webhook.challenge",
        "A webhook endpoint is asked to prove that it is its owner's. Sent to that endpoint alone, and in no list.",
        "WebhookChallenge",
    ),
];

pub(super) async fn list() -> Reply {
    let entry =
        |(name, meaning, _)| json!({"type": name, "version": 1, "meaning": meaning, "schema": schema_path(name)});
    let body = json!({"data": TYPES.map(entry), "next_cursor": null, "has_more": false});
    Ok(reply::respond(reply::json(StatusCode::OK, &body)))
}

pub(super) async fn read(params: RawPathParams) -> Reply {
    let name = params.iter().find(|(name, _)| *name == "type").map_or("", |(_, value)| value);
    let schema = schema(name).ok_or_else(|| ApiError::from(waypost_core::Error::not_found("event type")))?;
    let mut response: Response = reply::respond(reply::json(StatusCode::OK, &schema));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/schema+json"));
    Ok(response)
}

fn schema_path(name: &str) -> String {
    format!("/v1/event-types/{name}")
}

/// The JSON Schema (2020-12) of a type's data, whole in itself.
fn schema(name: &str) -> Option<Value> {
    let (_, _, data) = TYPES.iter().find(|(known, ..)| *known == name)?;
    let (own, parts) = data_schema(data)?;
    let defs: serde_json::Map<_, _> =
        parts.into_iter().filter_map(|(name, part)| Some((name, serde_json::to_value(part).ok()?))).collect();
    let Value::Object(own) = serde_json::to_value(own).ok()? else { return None };
    let mut document = serde_json::Map::new();
    document.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    document.insert("$id".into(), json!(schema_path(name)));
    document.insert("title".into(), json!(name));
    document.extend(own);
    document.insert("$defs".into(), Value::Object(defs));
    let mut document = Value::Object(document);
    localise(&mut document);
    Some(document)
}

/// A schema, and those that it refers to, by their names.
pub(crate) type Whole = (RefOr<Schema>, Vec<(String, RefOr<Schema>)>);

/// The schema of this name, and those that it refers to.
pub(crate) fn data_schema(name: &str) -> Option<Whole> {
    Some(match name {
        "LinkData" => parts::<v1::LinkData>(),
        "Deleted" => parts::<v1::Deleted>(),
        "Clicked" => parts::<v1::Clicked>(),
        "WebhookFailing" => parts::<v1::WebhookFailing>(),
        "WebhookTest" => parts::<v1::WebhookTest>(),
        "WebhookChallenge" => parts::<v1::WebhookChallenge>(),
        _ => return None,
    })
}

fn parts<T: PartialSchema + ToSchema>() -> Whole {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    (T::schema(), parts)
}

/// References in the OpenAPI document point to its components; here they point to `$defs`.
fn localise(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get_mut("$ref") {
                *target = target.replace("#/components/schemas/", "#/$defs/");
            }
            object.values_mut().for_each(localise);
        }
        Value::Array(items) => items.iter_mut().for_each(localise),
        _ => {}
    }
}
