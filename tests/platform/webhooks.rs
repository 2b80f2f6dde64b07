//! Webhooks from outside: the real binary, and receivers that do as they like.

mod fire;
mod ordered;
mod walk;

use std::io;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::Api;
use crate::support::server::Settings;

/// How long what is owed may take to arrive, in a debug build on a busy machine, with some tries in between.
const PATIENCE: Duration = Duration::from_secs(120);

/// Settings of a server that may call receivers on this machine.
fn settings() -> Settings {
    Settings::default().env("WAYPOST_WEBHOOK_ALLOW_HTTP", "true").env("WAYPOST_WEBHOOK_ALLOW", "127.0.0.1")
}

/// Registers an endpoint; gives it with its secret.
fn register(api: &Api, hook: &Value) -> io::Result<Value> {
    Ok(api.post("/v1/webhooks", hook, None)?.expect(201)?.json())
}

/// Makes so many links at once; gives their ids.
fn make_links(api: &Api, name: &str, count: usize) -> io::Result<Vec<String>> {
    let item = |n: usize| json!({ "destination": format!("https://example.com/{name}/{n}") });
    let body = json!({ "items": (0..count).map(item).collect::<Vec<_>>(), "atomic": true });
    let made = api.post("/v1/links/bulk", &body, Some(name))?.expect(201)?.json();
    let ids = made["results"].as_array().into_iter().flatten().map(|result| text(&result["link"], "id"));
    ids.collect()
}

fn text(value: &Value, name: &str) -> io::Result<String> {
    value[name].as_str().map(str::to_owned).ok_or_else(|| io::Error::other(format!("no {name} in {value}")))
}
