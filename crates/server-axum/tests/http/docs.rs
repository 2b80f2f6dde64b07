//! The OpenAPI document and the pages (contract §1, §3).

use std::collections::BTreeSet;

use http::Method;
use insta::assert_snapshot;
use serde_json::Value;
use waypost_core::wire::v1::ErrorCode;

use crate::harness::{Document, PUBLIC_URL, Server};

#[tokio::test]
async fn the_document_is_as_it_was_agreed() {
    let server = Server::start().await;
    let reply = server.anonymous(Method::GET, "/openapi.json").send().await;
    assert_eq!(reply.text(), waypost_server_axum::openapi(&format!("{PUBLIC_URL}/")), "what is served is what is made");
    assert_snapshot!("openapi", serde_json::to_string_pretty(&reply.json()).unwrap());
}

#[tokio::test]
async fn every_operation_of_the_document_is_served() {
    let server = Server::start().await;
    for (template, method, _) in Document::get().operations() {
        let path = Document::example(template);
        if template == "/v1/events/stream" {
            // It has no end that could be waited for.
            assert_eq!(server.ask(method.clone(), &path).open().await.status(), 200);
            continue;
        }
        let reply = server.ask(method.clone(), &path).send().await;
        assert_ne!(reply.status, 405, "{method} {template}");
        assert!(!reply.text().contains("no such route"), "{method} {template}");
    }
}

#[tokio::test]
async fn every_code_has_a_page_at_the_url_that_errors_name() {
    let server = Server::start().await;
    let index = server.anonymous(Method::GET, "/docs/errors").send().await;
    for code in ErrorCode::ALL {
        let page = server.anonymous(Method::GET, &format!("/docs/errors/{code}")).send().await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{code}");
        assert!(page.text().contains(code.as_str()) && page.text().contains(&code.status().to_string()), "{code}");
        assert!(index.text().contains(&format!("/docs/errors/{code}")), "{code}");
    }
    assert_eq!(
        server.anonymous(Method::GET, "/docs/errors/gone").send().await.status,
        404,
        "codes are told apart by case"
    );
}

#[tokio::test]
async fn the_page_can_be_read_offline() {
    let server = Server::start().await;
    let page = server.anonymous(Method::GET, "/docs").send().await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("script-src 'self';") && policy.contains("connect-src 'self' https://go.example;"),
        "{policy}"
    );
    let text = page.text();
    assert!(
        !text.contains("<script>") && !text.contains("onload="),
        "no script stands in the page: the policy forbids it"
    );
    let parts: Vec<_> = text
        .split(['"', '\''])
        .filter(|part| part.ends_with(".css") || part.ends_with(".js") || part.ends_with(".png"))
        .collect();
    assert!(parts.len() >= 3, "{parts:?}");
    for part in parts {
        assert!(!part.contains("://"), "{part} comes from elsewhere");
        // As a browser resolves it.
        let page = url::Url::parse(PUBLIC_URL).unwrap().join("/docs").unwrap();
        let base = text.split("<base href=\"").nth(1).and_then(|rest| rest.split('"').next());
        let path = page.join(base.unwrap_or("")).unwrap().join(part).unwrap().path().to_owned();
        assert_eq!(server.anonymous(Method::GET, &path).send().await.status, 200, "{part} at {path}");
    }
}

#[test]
fn the_document_is_sound() {
    let document = &Document::get().0;
    assert_eq!(document["openapi"], "3.1.0");
    let mut faults = Vec::new();
    check_references(document, document, &mut faults);
    assert!(faults.is_empty(), "{faults:?}");
    let mut names = BTreeSet::new();
    for (path, method, operation) in Document::get().operations() {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{name} stands twice");
        let parameters = operation["parameters"].as_array().unwrap();
        let in_path: Vec<_> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let declared: Vec<_> = parameters
            .iter()
            .filter(|given| given["in"] == "path")
            .map(|given| given["name"].as_str().unwrap())
            .collect();
        assert_eq!(in_path, declared, "{method} {path}");
        let unique: BTreeSet<_> =
            parameters.iter().map(|given| (given["in"].as_str(), given["name"].as_str())).collect();
        assert_eq!(unique.len(), parameters.len(), "{method} {path}");
        assert!(parameters.iter().all(|given| { given["description"].as_str().is_some_and(|says| says.len() > 3) }));
        let responses = operation["responses"].as_object().unwrap();
        // A follow says how the limits stand on 429 alone.
        let is_follow = path == "/{slug}";
        assert!(
            is_follow && responses.contains_key("302")
                || responses.contains_key("default")
                    && responses.keys().any(|status| status.starts_with(['1', '2', '3'])),
            "{method} {path}"
        );
        for (status, response) in responses {
            assert!(response["description"].as_str().is_some_and(|says| !says.is_empty()), "{method} {path} {status}");
            let has = |name: &str| response["headers"].get(name).is_some();
            assert!(
                has("X-Request-Id") && (is_follow && status != "429" || has("RateLimit") && has("RateLimit-Policy")),
                "{method} {path} {status}"
            );
            assert!(!matches!(status.as_str(), "429" | "503") || has("Retry-After"), "{method} {path} {status}");
            assert!(status != "401" || has("WWW-Authenticate"), "{method} {path}");
        }
        let changes = matches!(method, Method::POST | Method::PATCH) && !path.starts_with("/auth/");
        // What goes on below /oauth is the protocol's, which has no such keys; to end a session twice is to end it once; and
        // a ticket that got lost is replaced by another.
        let is_ticket = path == "/v1/events/tickets";
        let keyed = changes && !path.starts_with("/oauth/") && !is_ticket;
        assert_eq!(parameters.iter().any(|given| given["name"] == "Idempotency-Key"), keyed, "{method} {path}");
        // What these do is all in their path.
        let is_bare =
            path.starts_with("/v1/webhooks/") && ["/test", "/verify", "/retry"].iter().any(|it| path.ends_with(it));
        let has_body = (changes && !is_bare && !is_ticket) || path == "/auth/session/workspace";
        assert_eq!(operation.get("requestBody").is_some(), has_body, "{method} {path}");
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1) && operation["summary"].is_string());
    }
}

/// Every `$ref` leads somewhere, nothing is `nullable` as in 3.0, and what is required is there.
fn check_references(value: &Value, document: &Value, faults: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get("$ref") {
                let found = target.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
                if found.is_none() {
                    faults.push(format!("{target} leads nowhere"));
                }
            }
            if object.get("nullable").is_some_and(Value::is_boolean) {
                faults.push(format!("nullable in {value}"));
            }
            if let (Some(Value::Array(required)), Some(Value::Object(properties))) =
                (object.get("required"), object.get("properties"))
            {
                let missing = required.iter().filter_map(Value::as_str).filter(|name| !properties.contains_key(*name));
                faults.extend(missing.map(|name| format!("{name} is required and unknown")));
            }
            object.values().for_each(|inner| check_references(inner, document, faults));
        }
        Value::Array(items) => items.iter().for_each(|inner| check_references(inner, document, faults)),
        _ => {}
    }
}

#[tokio::test]
async fn a_webhook_has_the_fields_that_the_document_gives_it() {
    let server = Server::start().await;
    let body = serde_json::json!({"url": "https://partner.example/", "events": ["*"]});
    let made = server.post("/v1/webhooks", &body).send().await.json();
    let keys = |name: &str| -> BTreeSet<String> {
        let schema = &Document::get().0["components"]["schemas"][name]["properties"];
        schema.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(made.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>(), keys("Webhook"));
    let mut changeable = keys("RegisterWebhook");
    assert!(changeable.remove("payload_version"), "it is pinned");
    assert_eq!(changeable, keys("UpdateWebhook"));
}

#[test]
fn every_type_of_event_is_documented_as_a_call() {
    let document = &Document::get().0;
    let calls = document["webhooks"].as_object().unwrap();
    assert!(calls.contains_key("link.created") && calls.contains_key("webhook.challenge"));
    for (name, call) in calls {
        let schema = &call["post"]["requestBody"]["content"]["application/json"]["schema"]["allOf"][1]["properties"];
        assert_eq!(schema["event"]["const"], **name);
        let target = schema["data"]["$ref"].as_str().unwrap();
        assert!(document.pointer(&target[1..]).is_some(), "{name}: {target}");
    }
}

#[tokio::test]
async fn a_link_has_the_fields_that_the_document_gives_it() {
    let server = Server::start().await;
    let link = server.make(serde_json::json!({"destination": "https://example.com/"})).await;
    let schema = &Document::get().0["components"]["schemas"]["Link"];
    let documented: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().collect();
    let sent: BTreeSet<_> = link.as_object().unwrap().keys().collect();
    assert_eq!(sent, documented);
    let create = &Document::get().0["components"]["schemas"]["CreateLink"]["properties"];
    let writable = [
        "destination",
        "slug",
        "domain",
        "title",
        "tags",
        "redirect_status",
        "referrer_policy",
        "cache_seconds",
        "expires_at",
        "disabled",
        "max_clicks",
        "metadata",
    ];
    assert_eq!(
        create.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>(),
        BTreeSet::from(writable)
    );
}
