//! The calls that webhook endpoints get (OpenAPI 3.1 §4.8.1, `webhooks`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use waypost_core::webhooks::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use waypost_core::wire::v1;

use super::{add, reference, to_json};
use crate::routes::event_types;

/// One call for each type of event; their schemas are put into `schemas`.
pub(super) fn documented(schemas: &mut BTreeMap<String, Value>) -> Map<String, Value> {
    add::<v1::CloudEvent>(schemas, "CloudEvent");
    let mut calls = Map::new();
    for (name, meaning, data) in event_types::TYPES {
        if let Some((own, parts)) = event_types::data_schema(data) {
            schemas.extend(parts.iter().map(|(name, schema)| (name.clone(), to_json(schema))));
            schemas.insert(data.to_owned(), to_json(&own));
        }
        calls.insert(name.to_owned(), json!({"post": call(name, meaning, data)}));
    }
    calls
}

fn call(name: &str, meaning: &str, data: &str) -> Value {
    let header = |name: &str, says: &str| json!({"name": name, "in": "header", "required": true, "description": says, "schema": {"type": "string"}});
    let own = |kind: &str| json!({"properties": {kind: {"const": name}, "data": reference("schemas", data)}});
    json!({
        "summary": meaning,
        "tags": ["webhooks"],
        "parameters": [
            header(ID_HEADER, "The event's id, the same on each try."),
            header(TIMESTAMP_HEADER, "The moment of this try, in Unix seconds."),
            header(SIGNATURE_HEADER, "Signatures, parted by blanks: `v1,` or `v1a,` and base64 (Standard Webhooks 1.0)."),
        ],
        "requestBody": {"required": true, "content": {
            "application/json": {"schema": {"allOf": [reference("schemas", "Event"), own("event")]}},
            "application/cloudevents+json": {"schema": {"allOf": [reference("schemas", "CloudEvent"), own("type")]}},
        }},
        "responses": {
            "2XX": {"description": "It has arrived. Any other answer, and none within 15 s, is tried again."},
            "410": {"description": "The endpoint is gone: it is disabled."},
        },
        "security": [],
    })
}
