//! The walk through the platform, part one: a partner from its registration to its limit, at the real binary.

use std::io;

use serde_json::{Value, json};

use crate::support::http::{Answer, Api};
use crate::support::server::Server;

const RATE: [&str; 5] =
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "ratelimit-policy"];

#[test]
fn a_partner_gets_a_token_registers_a_webhook_is_limited_and_reads_a_link() {
    walk().expect("the walk");
}

fn walk() -> io::Result<()> {
    let server = Server::start()?;
    let admin = server.api();
    let link = admin.create_link("https://example.com/spring", None, None)?.expect(201)?.json();
    let link = format!("/v1/links/{}", text(&link, "id")?);
    let client = json!({"name": "partner", "scopes": ["webhooks:write", "links:read"], "plan": "partner"});
    let client = admin.post("/v1/oauth/clients", &client, None)?.expect(201)?.json();
    let token = |scope| token(&server, &client, scope);

    // With the scope: 201.
    let writer = Api::new(server.address(), Some(&token("webhooks:write")?));
    let hook = json!({"url": "https://partner.example/hooks", "events": ["link.created"]});
    let registered = writer.post("/v1/webhooks", &hook, None)?.expect(201)?.json();
    assert!(text(&registered, "secret")?.starts_with("whsec_"));

    // Without it: 403, which names it.
    let reader = Api::new(server.address(), Some(&token("links:read")?));
    let refused = reader.post("/v1/webhooks", &hook, None)?.expect(403)?;
    assert_eq!(refused.json()["error"]["code"], "INSUFFICIENT_SCOPE");
    assert_eq!(refused.json()["error"]["details"][0]["issue"], "webhooks:write");
    assert!(refused.header("www-authenticate").unwrap_or_default().contains("scope=\"webhooks:write\""));

    // The plan allows ten a minute. What the partner may not do is not counted among them.
    for call in 2..=10 {
        writer
            .post("/v1/webhooks", &hook, None)?
            .expect(201)
            .map_err(|fault| io::Error::other(format!("call {call}: {fault}")))?;
    }
    let limited = writer.post("/v1/webhooks", &hook, None)?.expect(429)?;
    assert_eq!(limited.json()["error"]["code"], "RATE_LIMITED");
    assert_eq!(limited.header("x-ratelimit-limit"), Some("10"));
    assert_eq!(limited.header("x-ratelimit-remaining"), Some("0"));
    let wait: u64 = limited.header("retry-after").and_then(|wait| wait.parse().ok()).unwrap_or(0);
    assert!((1..=64).contains(&wait), "{wait} s");
    has_all(&limited);

    // Reading goes on, within its own limit.
    let read = reader.get(&link)?.expect(200)?;
    assert_eq!(read.json()["destination"], "https://example.com/spring");
    has_all(&read);
    writer.get(&link)?.expect(403)?;
    Ok(())
}

/// A token of the client for this scope alone, by client credentials.
fn token(server: &Server, client: &Value, scope: &str) -> io::Result<String> {
    let form = format!(
        "grant_type=client_credentials&scope={}&client_id={}&client_secret={}",
        scope.replace(':', "%3A"),
        text(client, "client_id")?,
        text(client, "client_secret")?
    );
    let answer = Api::new(server.address(), None).form("/oauth/token", &[], &form)?.expect(200)?;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let token = answer.json();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("Bearer"), &json!(900)));
    text(&token, "access_token")
}

fn text(value: &Value, name: &str) -> io::Result<String> {
    value[name].as_str().map(str::to_owned).ok_or_else(|| io::Error::other(format!("no {name} in {value}")))
}

fn has_all(answer: &Answer) {
    for name in RATE {
        assert!(answer.header(name).is_some_and(|value| !value.is_empty()), "{name} is told");
    }
}
