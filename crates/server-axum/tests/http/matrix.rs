//! Every route × every role and every scope × own rows and those of others (contract §9; OWASP API1 and API5).
//!
//! A route that needs a scope has a row here. One that is added without a row fails the test, and so does a row whose
//! scope is not the one that the route declares.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Method;
use serde_json::{Value, json};
use waypost_core::clock::Clock as _;
use waypost_core::credentials::{Scope, Scopes};
use waypost_core::members::Role;

use crate::harness::{Asking, Document, Server};

/// What has no end, or is no answer: tested where it can be listened to, in `live/stream.rs` and `live/socket/handshake.rs`,
/// where each is refused without its scope as well.
const ENDLESS: [&str; 2] = ["GET /v1/events/stream", "GET /v1/events/socket"];

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Link,
    Webhook,
    /// Of a webhook endpoint of its own; its id is the path below `/v1/webhooks`.
    Delivery,
    ApiKey,
    Client,
    Member,
}

impl Thing {
    const ALL: [Self; 6] = [Self::Link, Self::Webhook, Self::Delivery, Self::ApiKey, Self::Client, Self::Member];

    /// Where it is made, from what, and where it is read.
    fn recipe(self) -> (&'static str, Value) {
        match self {
            Self::Link => ("/v1/links", json!({"destination": "https://example.com/"})),
            Self::Webhook | Self::Delivery => {
                ("/v1/webhooks", json!({"url": "https://partner.example/", "events": ["*"]}))
            }
            Self::ApiKey => ("/v1/api-keys", json!({"name": "x", "scopes": ["links:read"]})),
            Self::Client => ("/v1/oauth/clients", json!({"name": "x", "scopes": ["links:read"]})),
            Self::Member => ("/v1/members", json!({"issuer": "https://id.example", "subject": "s", "role": "viewer"})),
        }
    }

    async fn make(self, server: &Server, owner: &str) -> String {
        let (path, mut body) = self.recipe();
        if self == Self::Member {
            // Each a person of their own.
            let members = server.get(path).key(owner).send().await.json()["data"].as_array().unwrap().len();
            body["subject"] = json!(format!("person {members}"));
        }
        let reply = server.post(path, &body).key(owner).send().await;
        assert_eq!(reply.status, 201, "{self:?}: {}", reply.text());
        let made = reply.json();
        let id = if self == Self::Client { &made["client_id"] } else { &made["id"] };
        let id = id.as_str().unwrap().to_owned();
        if self == Self::Delivery { server.owe(&id).await } else { id }
    }

    async fn read(self, server: &Server, owner: &str, id: &str) -> (u16, Value) {
        let path = self.recipe().0;
        let reply = server.get(&format!("{path}/{id}")).key(owner).send().await;
        (reply.status, reply.json())
    }
}

struct Row {
    method: Method,
    template: &'static str,
    scope: Scope,
    names: Option<Thing>,
    body: Option<Value>,
}

fn rows() -> Vec<Row> {
    use Scope::{
        AnalyticsRead, ClientsRead, ClientsWrite, EventsRead, KeysRead, KeysWrite, LinksRead, LinksWrite, MembersRead,
        MembersWrite, UsageRead, WebhooksRead, WebhooksWrite,
    };
    use Thing::{ApiKey, Client, Delivery, Link, Member, Webhook};
    let row = |method, template, scope, names, body| Row { method, template, scope, names, body };
    let link = || Some(Link.recipe().1);
    let since = || Some(json!({"since": "2026-11-19T00:00:00Z"}));
    let (get, post, patch, delete) = (|| Method::GET, || Method::POST, || Method::PATCH, || Method::DELETE);
    vec![
        row(post(), "/v1/links", LinksWrite, None, link()),
        row(get(), "/v1/links", LinksRead, None, None),
        row(post(), "/v1/links/bulk", LinksWrite, None, Some(json!({"items": [Link.recipe().1]}))),
        row(get(), "/v1/links/{id}", LinksRead, Some(Link), None),
        row(patch(), "/v1/links/{id}", LinksWrite, Some(Link), Some(json!({"title": "mine now"}))),
        row(delete(), "/v1/links/{id}", LinksWrite, Some(Link), None),
        row(get(), "/v1/links/{id}/stats", AnalyticsRead, Some(Link), None),
        row(get(), "/v1/links/{id}/qr.svg", LinksRead, Some(Link), None),
        row(get(), "/v1/links/{id}/qr.png", LinksRead, Some(Link), None),
        row(get(), "/v1/events", EventsRead, None, None),
        row(post(), "/v1/events/tickets", EventsRead, None, None),
        row(get(), "/v1/event-types", EventsRead, None, None),
        row(get(), "/v1/event-types/{type}", EventsRead, None, None),
        row(get(), "/v1/deprecations", UsageRead, None, None),
        row(post(), "/v1/webhooks", WebhooksWrite, None, Some(Webhook.recipe().1)),
        row(get(), "/v1/webhooks", WebhooksRead, None, None),
        row(get(), "/v1/webhooks/{id}", WebhooksRead, Some(Webhook), None),
        row(patch(), "/v1/webhooks/{id}", WebhooksWrite, Some(Webhook), Some(json!({"description": "mine now"}))),
        row(delete(), "/v1/webhooks/{id}", WebhooksWrite, Some(Webhook), None),
        row(post(), "/v1/webhooks/{id}/secret/rotate", WebhooksWrite, Some(Webhook), Some(json!({}))),
        row(post(), "/v1/webhooks/{id}/test", WebhooksWrite, Some(Webhook), None),
        row(post(), "/v1/webhooks/{id}/verify", WebhooksWrite, Some(Webhook), None),
        row(get(), "/v1/webhooks/{id}/deliveries", WebhooksRead, Some(Webhook), None),
        row(get(), "/v1/webhooks/{id}/deliveries/{delivery_id}", WebhooksRead, Some(Delivery), None),
        row(post(), "/v1/webhooks/{id}/deliveries/{delivery_id}/retry", WebhooksWrite, Some(Delivery), None),
        row(post(), "/v1/webhooks/{id}/recover", WebhooksWrite, Some(Webhook), since()),
        row(post(), "/v1/webhooks/{id}/replay", WebhooksWrite, Some(Webhook), since()),
        row(get(), "/v1/webhooks/{id}/stats", WebhooksRead, Some(Webhook), None),
        row(post(), "/v1/api-keys", KeysWrite, None, Some(ApiKey.recipe().1)),
        row(get(), "/v1/api-keys", KeysRead, None, None),
        row(get(), "/v1/api-keys/{id}", KeysRead, Some(ApiKey), None),
        row(post(), "/v1/api-keys/{id}/rotate", KeysWrite, Some(ApiKey), Some(json!({}))),
        row(delete(), "/v1/api-keys/{id}", KeysWrite, Some(ApiKey), None),
        row(post(), "/v1/oauth/clients", ClientsWrite, None, Some(Client.recipe().1)),
        row(get(), "/v1/oauth/clients", ClientsRead, None, None),
        row(get(), "/v1/oauth/clients/{id}", ClientsRead, Some(Client), None),
        row(delete(), "/v1/oauth/clients/{id}", ClientsWrite, Some(Client), None),
        row(post(), "/v1/oauth/clients/{id}/secret/rotate", ClientsWrite, Some(Client), Some(json!({}))),
        row(get(), "/v1/members", MembersRead, None, None),
        row(post(), "/v1/members", MembersWrite, None, Some(Member.recipe().1)),
        row(get(), "/v1/members/{id}", MembersRead, Some(Member), None),
        row(patch(), "/v1/members/{id}", MembersWrite, Some(Member), Some(json!({"role": "editor"}))),
        row(delete(), "/v1/members/{id}", MembersWrite, Some(Member), None),
    ]
}

impl Row {
    /// The request, on the thing of this id.
    fn ask(&self, server: &Server, id: &str) -> Asking {
        static PEOPLE: AtomicU32 = AtomicU32::new(0);
        let path = self
            .template
            .replace("{id}/deliveries/{delivery_id}", id)
            .replace("{id}", id)
            .replace("{type}", "link.created");
        let asking = server.anonymous(self.method.clone(), &path);
        match &self.body {
            Some(body) if body["subject"].is_string() => {
                // Each a person of their own: nobody becomes a member twice.
                let mut body = body.clone();
                body["subject"] = json!(format!("newcomer {}", PEOPLE.fetch_add(1, Ordering::Relaxed)));
                asking.json(&body)
            }
            Some(body) => asking.json(body),
            None => asking,
        }
    }
}

/// A server, a thing of each kind in the workspace `default`, and who made them.
async fn furnished() -> (Server, BTreeMap<Thing, String>, String) {
    let server = Server::start().await;
    let owner = server.issue("default", "*").await;
    let mut things = BTreeMap::new();
    for thing in Thing::ALL {
        things.insert(thing, thing.make(&server, &owner).await);
    }
    (server, things, owner)
}

#[test]
fn every_route_that_needs_a_scope_has_a_row_with_that_scope() {
    let declared: BTreeMap<_, _> = Document::get()
        .operations()
        .into_iter()
        .filter_map(|(path, method, operation)| {
            let scope = operation.pointer("/security/0/apiKey/0")?.as_str()?;
            Some((format!("{method} {path}"), scope.to_owned()))
        })
        .filter(|(route, _)| !ENDLESS.contains(&&**route))
        .collect();
    let listed: BTreeMap<_, _> =
        rows().iter().map(|row| (format!("{} {}", row.method, row.template), row.scope.to_string())).collect();
    assert_eq!(declared, listed, "on the left the routes, on the right the rows of this matrix");
}

#[tokio::test]
async fn a_route_is_open_to_those_who_have_its_scope_and_to_no_one_else() {
    let mut callers: Vec<(String, Scopes)> =
        Role::ALL.into_iter().map(|role| (format!("role {role}"), role.scopes())).collect();
    callers.extend(Scope::ALL.into_iter().map(|scope| (scope.to_string(), Scopes::from_iter([scope]))));
    callers.push(("no scope at all".to_owned(), Scopes::default()));
    for row in rows() {
        let (server, things, owner) = furnished().await;
        for (name, scopes) in &callers {
            let key = server.issue("default", &scopes.to_string()).await;
            // A thing of its own for each, since some rows delete it.
            let id = match row.names {
                Some(thing) => thing.make(&server, &owner).await,
                None => String::new(),
            };
            let before = snapshot(&server, row.names, &owner, &id).await;
            let reply = row.ask(&server, &id).key(&key).send().await;
            let place = format!("{} {} as {name}", row.method, row.template);
            if scopes.contains(row.scope) {
                // The key that is made or rotated may do what this caller may not: that is another refusal.
                let more = reply.code() == "FORBIDDEN"
                    && matches!(row.scope, Scope::KeysWrite | Scope::ClientsWrite | Scope::MembersWrite);
                assert!(reply.status < 300 || more, "{place}: {}", reply.text());
            } else {
                assert_eq!(reply.fault(), (403, "INSUFFICIENT_SCOPE".into()), "{place}");
                assert!(reply.header("www-authenticate").contains(&format!("scope=\"{}\"", row.scope)), "{place}");
                assert_eq!(snapshot(&server, row.names, &owner, &id).await, before, "{place}: nothing happened");
            }
        }
        drop(things);
    }
}

#[tokio::test]
async fn what_belongs_to_another_workspace_is_not_there_and_stays_as_it_is() {
    for row in rows() {
        let Some(thing) = row.names else { continue };
        let (server, things, owner) = furnished().await;
        let id = &things[&thing];
        let before = thing.read(&server, &owner, id).await;
        let place = format!("{} {}", row.method, row.template);
        for scopes in ["*", row.scope.as_str()] {
            let stranger = server.issue("elsewhere", scopes).await;
            let reply = row.ask(&server, id).key(&stranger).send().await;
            // What was never there is refused in the same words.
            let never = format!("{}{}", &id[..id.len() - 6], "0".repeat(6));
            let nothing = row.ask(&server, &never).key(&stranger).send().await;
            assert_eq!(reply.json()["error"]["message"], nothing.json()["error"]["message"], "{place}");
            // Who may not hand out a role at all learns so before anything is looked up.
            let beyond = row.scope == Scope::MembersWrite && scopes != "*" && reply.status == 403;
            assert!(beyond || reply.fault() == (404, "NOT_FOUND".into()), "{place}: {}", reply.text());
        }
        assert_eq!(thing.read(&server, &owner, id).await, before, "{} {}", row.method, row.template);
    }
}

#[tokio::test]
async fn lists_show_the_own_workspace_alone() {
    let (server, things, _) = furnished().await;
    let stranger = server.issue("elsewhere", "*").await;
    for row in rows().iter().filter(|row| row.method == Method::GET && row.names.is_none()) {
        let reply = row.ask(&server, "").key(&stranger).send().await;
        assert_eq!(reply.status, 200, "{}", row.template);
        for id in things.values() {
            assert!(!reply.text().contains(id.as_str()), "{} shows {id}", row.template);
        }
    }
}

/// What can be seen of a thing, and of how many there are.
async fn snapshot(server: &Server, names: Option<Thing>, owner: &str, id: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    if let Some(thing) = names {
        seen.push(thing.read(server, owner, id).await.1);
    }
    for thing in Thing::ALL {
        let list = server.get(&format!("{}?limit=100", thing.recipe().0)).key(owner).send().await;
        let list = if list.status == 422 { server.get(thing.recipe().0).key(owner).send().await } else { list };
        seen.push(json!(list.json()["data"].as_array().map(Vec::len)));
    }
    seen
}

/// What people may do is told by their role, at the same routes, under the cookie of a session.
#[tokio::test]
async fn a_route_is_open_to_members_whose_role_has_its_scope() {
    for row in rows() {
        let (server, _, owner) = furnished().await;
        let platform = &server.platform;
        let workspace = platform.credentials.workspace("default").await.unwrap().id;
        for role in Role::ALL {
            let user = platform.members.sign_in("https://id.example", role.as_str(), None, None).await.unwrap();
            platform.ports().members.set_role(workspace, user.id, Some(role), server.clock.now()).await.unwrap();
            let session = platform.sessions.start(user.id, workspace, "a browser").await.unwrap();
            let id = match row.names {
                Some(thing) => thing.make(&server, &owner).await,
                None => String::new(),
            };
            let before = snapshot(&server, row.names, &owner, &id).await;
            let cookie = format!("__Host-waypost-session={}", session.text.expose());
            let from = |site| row.ask(&server, &id).header("cookie", &cookie).header("sec-fetch-site", site);
            let place = format!("{} {} as {role}", row.method, row.template);
            if row.method != Method::GET {
                let forged = from("cross-site").send().await;
                assert_eq!(forged.fault(), (403, "FORBIDDEN".into()), "{place} from another site");
                assert_eq!(snapshot(&server, row.names, &owner, &id).await, before, "{place}: nothing happened");
            }
            let reply = from("same-origin").send().await;
            if role.scopes().contains(row.scope) {
                assert!(reply.status < 300, "{place}: {}", reply.text());
            } else {
                assert_eq!(reply.fault(), (403, "INSUFFICIENT_SCOPE".into()), "{place}");
                assert_eq!(snapshot(&server, row.names, &owner, &id).await, before, "{place}: nothing happened");
            }
        }
    }
}
