//! The page on which people say what a client may do in their name (RFC 6749 §4.1.1, RFC 9700 §4).

use http::Method;
use serde_json::json;
use url::Url;
use url::form_urlencoded::Serializer;
use waypost_core::clock::Clock as _;
use waypost_core::members::Role;

use super::parties::{BACK, CHALLENGE, Party, default_workspace, person, program, register, tokens, with_login};
use crate::harness::{Asking, Reply, Server};

const PAGE: &str = "/oauth/authorize";

/// A browser in which a person is signed in.
struct Browser {
    cookie: String,
}

impl Browser {
    async fn of(server: &Server, name: &str, role: Role) -> Self {
        let user = person(server, name, role).await;
        let workspace = default_workspace(server).await;
        let session = server.platform.sessions.start(user, workspace, "a browser").await.unwrap();
        Self { cookie: format!("__Host-waypost-session={}", session.text.expose()) }
    }

    async fn visit(&self, server: &Server, query: &str) -> Reply {
        server.follow(&format!("{PAGE}?{query}")).header("cookie", &self.cookie).send().await
    }

    fn submit(&self, server: &Server, form: &str, site: &str) -> Asking {
        let asking = server.anonymous(Method::POST, PAGE).header("content-type", "application/x-www-form-urlencoded");
        asking.header("cookie", &self.cookie).header("sec-fetch-site", site).body(form.to_owned())
    }
}

/// What a client asks for, with some of it changed; an empty value leaves the parameter out.
fn query(client: &Party, changes: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("response_type", "code"),
        ("client_id", client.id.as_str()),
        ("redirect_uri", BACK),
        ("scope", "links:read"),
        ("state", "s 1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        match all.iter_mut().find(|(own, _)| own == name) {
            Some(there) => there.1 = value,
            None => all.push((name, value)),
        }
    }
    all.retain(|(_, value)| !value.is_empty());
    Serializer::new(String::new()).extend_pairs(all).finish()
}

/// A parameter of the place that somebody is sent to.
fn told(reply: &Reply, name: &str) -> String {
    assert_eq!(reply.status, 303, "{}", reply.text());
    let url = Url::parse(reply.header("location")).unwrap();
    assert!(url.as_str().starts_with(BACK), "{url}");
    url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_person_sees_who_asks_for_what_and_the_client_gets_a_code() {
    let server = Server::start().await;
    let client = register(
        &server,
        json!({"name": "<b>App</b>", "scopes": ["links:read", "links:write"], "auth": "none", "redirect_uris": [BACK]}),
    )
    .await;
    let browser = Browser::of(&server, "ada", Role::Editor).await;
    let asked = query(&client, &[("state", "\"><script>")]);
    let page = browser.visit(&server, &asked).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("referrer-policy"), "same-origin", "or browsers would send `Origin: null` with the form");
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "nobody puts it in a frame");
    let text = page.text();
    assert!(text.contains("&lt;b&gt;App&lt;/b&gt;") && text.contains("app.example") && text.contains("links:read"));
    assert!(!text.contains("<script>") && !text.contains("links:write"), "{text}");

    let allowed = browser.submit(&server, &format!("{asked}&decision=allow"), "same-origin").send().await;
    assert_eq!((told(&allowed, "state"), told(&allowed, "iss")), ("\"><script>".into(), "https://go.example".into()));
    let (access, refresh) = tokens(&client.redeem(&server, &told(&allowed, "code")).await);
    assert!(!refresh.is_empty());
    assert_eq!(server.get("/v1/links").key(&access).send().await.status, 200);
    let more = server.post("/v1/links", &json!({"destination": "https://example.com/"})).key(&access).send().await;
    assert_eq!(more.fault(), (403, "INSUFFICIENT_SCOPE".into()), "what was not asked for was not allowed");

    let denied = browser.submit(&server, &format!("{asked}&decision=deny"), "same-origin").send().await;
    assert_eq!((told(&denied, "error"), told(&denied, "code")), ("access_denied".into(), String::new()));
}

#[tokio::test]
async fn nobody_is_sent_to_a_place_that_the_client_has_not_registered() {
    let server = Server::start().await;
    let client = program(&server, &["links:read"]).await;
    let browser = Browser::of(&server, "ada", Role::Editor).await;
    for changes in [
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "https://app.example/back/.."),
        ("redirect_uri", "https://app.example/back?x=1"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", ""),
        ("client_id", "cli_01JD3X8M2V7Q5T9B4C6E8G0HJK"),
        ("client_id", ""),
    ] {
        let asked = query(&client, &[changes]);
        let page = browser.visit(&server, &asked).await;
        assert_eq!((page.status, page.has("location")), (400, false), "{changes:?}");
        let form = browser.submit(&server, &format!("{asked}&decision=allow"), "same-origin").send().await;
        assert_eq!((form.status, form.has("location")), (400, false), "{changes:?}");
    }
    let twice = browser.visit(&server, &format!("{}&redirect_uri=https://evil.example/", query(&client, &[]))).await;
    assert_eq!((twice.status, twice.has("location")), (400, false));
}

#[tokio::test]
async fn every_other_refusal_goes_to_the_client() {
    let server = Server::start().await;
    let client = program(&server, &["links:read"]).await;
    let browser = Browser::of(&server, "ada", Role::Editor).await;
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("scope", "links:write", "invalid_scope"),
        ("scope", "nonsense", "invalid_scope"),
    ] {
        let reply = browser.visit(&server, &query(&client, &[(name, value)])).await;
        assert_eq!((told(&reply, "error"), told(&reply, "state")), (error.into(), "s 1".into()), "{name}={value}");
    }
}

#[tokio::test]
async fn another_site_cannot_say_yes_and_a_person_without_the_rights_gives_none() {
    let server = Server::start().await;
    let client =
        register(&server, json!({"name": "x", "scopes": ["members:write"], "auth": "none", "redirect_uris": [BACK]}))
            .await;
    let browser = Browser::of(&server, "ada", Role::Viewer).await;
    let form = format!("{}&decision=allow", query(&client, &[("scope", "")]));
    for site in ["cross-site", "same-site"] {
        let forged = browser.submit(&server, &form, site).send().await;
        assert_eq!((forged.status, forged.has("location")), (403, false), "{site}");
    }
    let nobody = server.anonymous(Method::POST, PAGE).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(nobody.header("sec-fetch-site", "same-origin").body(form.clone()).send().await.status, 401);
    let beyond = browser.submit(&server, &form, "same-origin").send().await;
    assert_eq!((told(&beyond, "error"), told(&beyond, "code")), ("invalid_scope".into(), String::new()));
}

#[tokio::test]
async fn who_is_not_signed_in_is_asked_for_nothing() {
    let server = Server::start().await;
    let client = program(&server, &["links:read"]).await;
    let page = server.follow(&format!("{PAGE}?{}", query(&client, &[]))).send().await;
    assert_eq!((page.status, page.has("location")), (404, false), "there is no provider here");
}

/// A link to here would else send strangers to whatever place somebody registered.
#[tokio::test]
async fn who_is_not_signed_in_is_sent_to_sign_in_whatever_is_wrong() {
    let server = with_login().await;
    let client = program(&server, &["links:read"]).await;
    for (name, value) in
        [("state", "s"), ("response_type", "token"), ("code_challenge", ""), ("scope", "nonsense"), ("scope", "*")]
    {
        let asked = query(&client, &[(name, value)]);
        let reply = server.follow(&format!("{PAGE}?{asked}")).send().await;
        assert_eq!(reply.status, 303, "{name}={value}: {}", reply.text());
        let to = Url::parse(reply.header("location")).unwrap();
        assert!(to.as_str().starts_with("https://go.example/auth/login?return_to="), "{name}={value}: {to}");
        let (_, back) = to.query_pairs().next().unwrap();
        assert_eq!(back, format!("{PAGE}?{asked}"), "and comes back to the same");
    }
}

#[tokio::test]
async fn a_query_that_would_be_lost_while_signing_in_is_refused() {
    let server = with_login().await;
    let client = program(&server, &["links:read"]).await;
    let long = query(&client, &[("state", &"s".repeat(2_600))]);
    let nobody = server.follow(&format!("{PAGE}?{long}")).send().await;
    assert_eq!((nobody.status, nobody.has("location")), (400, false), "{}", nobody.text());
    let browser = Browser::of(&server, "ada", Role::Editor).await;
    assert_eq!(told(&browser.visit(&server, &long).await, "error"), "invalid_request");
}

#[tokio::test]
async fn the_page_shows_what_the_role_in_the_clients_workspace_comes_to() {
    let server = Server::start().await;
    let client = program(&server, &["links:read", "links:write"]).await;
    let ada = person(&server, "ada", Role::Viewer).await;
    let elsewhere = server.platform.credentials.workspace("another").await.unwrap().id;
    server.platform.ports().members.set_role(elsewhere, ada, Some(Role::Owner), server.clock.now()).await.unwrap();
    let session = server.platform.sessions.start(ada, elsewhere, "a browser").await.unwrap();
    let browser = Browser { cookie: format!("__Host-waypost-session={}", session.text.expose()) };
    let asked = query(&client, &[("scope", "links:read links:write")]);
    let page = browser.visit(&server, &asked).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("links:read") && !page.text().contains("<code>links:write"), "{}", page.text());
    let allowed = browser.submit(&server, &format!("{asked}&decision=allow"), "same-origin").send().await;
    let reply = client.redeem(&server, &told(&allowed, "code")).await;
    assert_eq!((reply.status, &reply.json()["scope"]), (200, &json!("links:read")));

    let eve = person(&server, "eve", Role::Viewer).await;
    server.platform.ports().members.set_role(elsewhere, eve, Some(Role::Owner), server.clock.now()).await.unwrap();
    let session = server.platform.sessions.start(eve, elsewhere, "a browser").await.unwrap();
    super::parties::set_role(&server, eve, None).await;
    let browser = Browser { cookie: format!("__Host-waypost-session={}", session.text.expose()) };
    assert_eq!(told(&browser.visit(&server, &asked).await, "error"), "unauthorized_client");
}
