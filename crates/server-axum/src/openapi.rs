//! The OpenAPI 3.1 document, made from the table of routes.

mod calls;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use waypost_core::credentials::Scope;
use waypost_core::wire::v1::{self, ErrorCode};

use crate::gateway::routes::Dialect;
use crate::routes::{self, Access, Parameter, Route};

/// The document of a server at `public_url`, as JSON text.
pub fn openapi(public_url: &str) -> String {
    let document = document(public_url);
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn document(public_url: &str) -> Value {
    let table = routes::table();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut schemas = BTreeMap::new();
    for route in &table {
        let methods = paths.entry(&route.path).or_default();
        methods.insert(route.method.as_str().to_lowercase(), operation(route));
        for (name, schema) in &route.doc.schemas {
            schemas.insert(name.clone(), to_json(schema));
        }
    }
    paths.insert("/{slug}", follow());
    add::<v1::ErrorBody>(&mut schemas, "ErrorBody");
    add::<v1::OAuthError>(&mut schemas, "OAuthError");
    // A page of them refers to it, and does not bring it along.
    add::<v1::Event>(&mut schemas, "Event");
    add::<v1::Deprecation>(&mut schemas, "Deprecation");
    add::<v1::WebhookDelivery>(&mut schemas, "WebhookDelivery");
    let webhooks = calls::documented(&mut schemas);
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    if let Some(code) = schemas.get_mut("ErrorDetail").and_then(|schema| schema.pointer_mut("/properties/code")) {
        code["enum"] = json!(codes);
    }
    let scopes: Vec<_> = Scope::ALL.iter().map(|scope| format!("- `{scope}`")).collect();
    let description = format!(
        "Short links, their clicks and their events.\n\nEvery error has one shape, and a page of its own under \
         `/docs/errors`. Every `POST` and `PATCH` below `/v1` may carry an `Idempotency-Key`. The scopes are:\n{}",
        scopes.join("\n")
    );
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Waypost",
            "version": env!("CARGO_PKG_VERSION"),
            "description": description,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "paths": paths,
        "webhooks": webhooks,
        "components": {
            "schemas": schemas,
            "headers": headers(),
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key: `wp_live_…`."},
                "oauth2": {"type": "oauth2", "flows": {"clientCredentials": {
                    "tokenUrl": "/oauth/token",
                    "scopes": Scope::ALL.iter().map(|scope| (scope.as_str(), "")).collect::<BTreeMap<_, _>>(),
                }}},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": crate::cookies::SESSION,
                    "description": "A browser that is signed in; see `/auth/login`.",
                },
            },
        },
    })
}

fn to_json(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

fn add<T: ToSchema + PartialSchema>(schemas: &mut BTreeMap<String, Value>, name: &str) {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    parts.push((name.to_owned(), T::schema()));
    schemas.extend(parts.iter().map(|(name, schema)| (name.clone(), to_json(schema))));
}

fn operation<S: Clone + Send + Sync + 'static>(route: &Route<S>) -> Value {
    let doc = &route.doc;
    let mut responses = Map::new();
    for answer in &doc.answers {
        let mut response = json!({"description": answer.says, "headers": references(&COMMON, answer.headers)});
        if let Some(media) = answer.media {
            let schema = answer.schema.map(|name| json!({"schema": reference("schemas", name)}));
            response["content"] = json!({media: schema.unwrap_or_else(|| json!({}))});
        }
        responses.insert(answer.status.to_string(), response);
    }
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in route.errors() {
        by_status.entry(code.status()).or_default().push(code);
    }
    for (status, codes) in by_status {
        responses.entry(status.to_string()).or_insert_with(|| match route.dialect {
            Dialect::Waypost => error_response(status, &codes),
            Dialect::OAuth => oauth_error_response(status),
        });
    }
    let rest = json!({
        "description": "Any other error.",
        "headers": references(&COMMON, &[]),
        "content": {"application/json": {"schema": reference("schemas", error_schema(route.dialect))}},
    });
    responses.insert("default".to_owned(), rest);
    let mut operation = json!({
        "operationId": doc.name,
        "summary": doc.summary,
        "tags": [doc.tag],
        "deprecated": route.farewell.is_some(),
        "parameters": doc.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": responses,
        "security": match route.rules.access {
            Access::Public => json!([]),
            Access::Scope(scope) => json!([{"apiKey": [scope.as_str()]}, {"oauth2": [scope.as_str()]}, {"session": []}]),
            Access::Session => json!([{"session": []}]),
        },
    });
    if let (Some(name), Some(body)) = (doc.body, route.rules.body) {
        let content = |media: &&str| ((*media).to_owned(), json!({"schema": reference("schemas", name)}));
        let content: Map<_, _> = body.media.iter().map(content).collect();
        let says = format!("At most {} bytes.", body.most);
        operation["requestBody"] = json!({"required": true, "description": says, "content": content});
    }
    operation
}

fn parameter(parameter: &Parameter) -> Value {
    let mut schema = json!({"type": parameter.kind});
    if let Some(format) = parameter.format {
        schema["format"] = json!(format);
    }
    if !parameter.allowed.is_empty() {
        schema["enum"] = json!(parameter.allowed);
    }
    json!({
        "name": parameter.name,
        "in": match parameter.place {
            routes::Place::Path => "path",
            routes::Place::Query => "query",
            routes::Place::Header => "header",
        },
        "required": parameter.place == routes::Place::Path,
        "description": parameter.says,
        "schema": schema,
    })
}

/// The headers of every answer of the API.
const COMMON: [&str; 6] = [
    "X-Request-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "RateLimit",
    "RateLimit-Policy",
];

fn error_schema(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Waypost => "ErrorBody",
        Dialect::OAuth => "OAuthError",
    }
}

fn oauth_error_response(status: u16) -> Value {
    json!({
        "description": "An error as OAuth clients read it (RFC 6749 §5.2).",
        "headers": references(&COMMON, headers_of(status)),
        "content": {"application/json": {"schema": reference("schemas", error_schema(Dialect::OAuth))}},
    })
}

/// The headers of their own that errors of a status have.
fn headers_of(status: u16) -> &'static [&'static str] {
    match status {
        401 | 403 => &["WWW-Authenticate"],
        409 | 429 | 503 => &["Retry-After"],
        _ => &[],
    }
}

fn error_response(status: u16, codes: &[ErrorCode]) -> Value {
    let list: Vec<_> = codes.iter().map(|code| format!("`{code}`: {}", code.meaning())).collect();
    let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    json!({
        "description": list.join("\n\n"),
        "headers": references(&COMMON, headers_of(status)),
        "content": {"application/json": {"schema": {
            "allOf": [
                reference("schemas", "ErrorBody"),
                {"properties": {"error": {"properties": {"code": {"enum": names}}}}},
            ],
        }}},
    })
}

/// The redirect, which stands in front of the table.
fn follow() -> Map<String, Value> {
    let redirect = json!({
        "description": "Follow the header `Location`. The link chooses between 301, 302, 303, 307 and 308.",
        "headers": references(&["X-Request-Id"], &["Location"]),
    });
    let mut responses: Map<_, _> =
        [301, 302, 303, 307, 308].map(|status: u16| (status.to_string(), redirect.clone())).into_iter().collect();
    let errors = [
        ErrorCode::MalformedRequest,
        ErrorCode::NotFound,
        ErrorCode::Gone,
        ErrorCode::UriTooLong,
        ErrorCode::RateLimited,
        ErrorCode::HeadersTooLarge,
        ErrorCode::Internal,
        ErrorCode::Unavailable,
        ErrorCode::UpstreamTimeout,
    ];
    for code in errors {
        let mut response = error_response(code.status(), &[code]);
        response["headers"] = match code {
            ErrorCode::RateLimited => references(&COMMON, &["Retry-After"]),
            ErrorCode::Unavailable => references(&["X-Request-Id"], &["Retry-After"]),
            _ => references(&["X-Request-Id"], &[]),
        };
        response["content"]["text/html"] = json!({});
        responses.insert(code.status().to_string(), response);
    }
    let operation = |name: &str, says: &str| {
        json!({
            "operationId": name,
            "summary": says,
            "tags": ["links"],
            "parameters": [parameter(&Parameter::path("slug", "The link's slug; it may have inner slashes."))],
            "responses": responses,
            "security": [],
        })
    };
    let get = ("get".to_owned(), operation("followLink", "Follow a link"));
    let head = ("head".to_owned(), operation("lookAtLink", "See where a link leads; counts no click"));
    [get, head].into_iter().collect()
}

fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

fn references(common: &[&str], own: &[&str]) -> Value {
    let one = |name: &&str| ((*name).to_owned(), reference("headers", name));
    Value::Object(common.iter().chain(own).map(one).collect())
}

fn headers() -> Value {
    let header = |says: &str, kind: &str| json!({"description": says, "schema": {"type": kind}});
    json!({
        "X-Request-Id": header("Names the request; the caller's own, if it is 1 to 128 of `A-Za-z0-9._-`.", "string"),
        "X-RateLimit-Limit": header("The quota of the tightest policy.", "integer"),
        "X-RateLimit-Remaining": header("What is left of it.", "integer"),
        "X-RateLimit-Reset": header("When it is whole again, in Unix seconds.", "integer"),
        "RateLimit": header("What is left by policy, as a structured list: `\"api\";r=50;t=30`.", "string"),
        "RateLimit-Policy": header("The policies, as a structured list: `\"api\";q=100;w=60`.", "string"),
        "Retry-After": header("After how many seconds a retry can succeed.", "integer"),
        "WWW-Authenticate": header("How to authenticate (RFC 6750).", "string"),
        "ETag": header("Names the version; for `If-Match` and `If-None-Match`.", "string"),
        "Location": header("Where the new thing is.", "string"),
        "Link": header("The next page, as `rel=\"next\"` (RFC 8288).", "string"),
    })
}
