//! Taking tokens back (RFC 7009), and looking at them (RFC 7662).

use std::time::Duration;

use serde_json::json;
use waypost_core::members::Role;

use super::parties::{INTROSPECT, Party, REVOKE, consent, partner, person, program, refusal, set_role, tokens};
use crate::harness::{PUBLIC_URL, Reply, Server};

async fn look(server: &Server, client: &Party, token: &str) -> Reply {
    client.ask(server, INTROSPECT, &[("token", token)]).send().await
}

async fn revoke(server: &Server, client: &Party, token: &str) -> Reply {
    client.ask(server, REVOKE, &[("token", token), ("token_type_hint", "whatever")]).send().await
}

#[tokio::test]
async fn a_token_that_was_taken_back_opens_nothing_and_others_do() {
    let server = Server::start().await;
    let client = partner(&server, &["links:read"]).await;
    let (token, other) = (client.token(&server).await, client.token(&server).await);
    assert_eq!(server.get("/v1/links").key(&token).send().await.status, 200);
    for _ in 0..2 {
        let reply = revoke(&server, &client, &token).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, ""), "again is as good as once");
    }
    assert_eq!(server.get("/v1/links").key(&token).send().await.fault(), (401, "UNAUTHENTICATED".into()));
    assert_eq!(look(&server, &client, &token).await.json(), json!({"active": false}));
    assert_eq!(server.get("/v1/links").key(&other).send().await.status, 200);
    for unknown in ["x", "wp_refresh_x", &format!("{other}x"), "wp_live_x"] {
        assert_eq!(revoke(&server, &client, unknown).await.status, 200, "{unknown:.12} is as good as taken back");
    }
    let nothing = client.ask(&server, REVOKE, &[]).send().await;
    assert_eq!(refusal(&nothing), (400, "invalid_request".into()));
}

#[tokio::test]
async fn a_refresh_token_takes_its_access_tokens_along() {
    let server = Server::start().await;
    let client = program(&server, &["links:read"]).await;
    let user = person(&server, "ada", Role::Editor).await;
    let (access, refresh) = tokens(&client.redeem(&server, &consent(&server, &client, user).await).await);
    assert_eq!(revoke(&server, &client, &refresh).await.status, 200);
    assert_eq!(server.get("/v1/links").key(&access).send().await.status, 401);
    assert_eq!(refusal(&client.refresh(&server, &refresh).await), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn nobody_takes_back_the_token_of_another() {
    let server = Server::start().await;
    let (client, other) = (partner(&server, &["links:read"]).await, partner(&server, &["links:read"]).await);
    let user = person(&server, "ada", Role::Editor).await;
    let (access, refresh) = tokens(&client.redeem(&server, &consent(&server, &client, user).await).await);
    for token in [&access, &refresh] {
        assert_eq!(refusal(&revoke(&server, &other, token).await), (400, "unauthorized_client".into()));
        let nobody = server.form(REVOKE, &[("token", token)]).send().await;
        assert_eq!(refusal(&nobody), (401, "invalid_client".into()));
    }
    assert_eq!(server.get("/v1/links").key(&access).send().await.status, 200);
    assert_eq!(client.refresh(&server, &refresh).await.status, 200);
}

#[tokio::test]
async fn a_client_sees_the_tokens_of_its_workspace_and_of_no_other() {
    let server = Server::start().await;
    let (client, peer) = (partner(&server, &["links:read"]).await, partner(&server, &["links:read"]).await);
    let user = person(&server, "ada", Role::Viewer).await;
    let own = client.token(&server).await;
    let (access, refresh) = tokens(&client.redeem(&server, &consent(&server, &client, user).await).await);
    let seen = look(&server, &peer, &own).await;
    assert_eq!(seen.header("cache-control"), "no-store");
    let body = seen.json();
    assert_eq!(body["active"], true);
    for (name, value) in
        [("client_id", client.id.as_str()), ("sub", &client.id), ("scope", "links:read"), ("iss", PUBLIC_URL)]
    {
        assert_eq!(body[name], value, "{name}");
    }
    assert_eq!(body["exp"].as_i64().unwrap() - body["iat"].as_i64().unwrap(), 900);
    for token in [&access, &refresh] {
        assert_eq!(look(&server, &client, token).await.json()["sub"], user.to_string());
    }
    let stranger = server.issue("another", "*").await;
    let body = json!({"name": "stranger", "scopes": ["links:read"]});
    let made = server.post("/v1/oauth/clients", &body).key(&stranger).send().await.json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let stranger = Party { id: text("client_id"), secret: text("client_secret") };
    for token in [&own, &access, &refresh, "x", "", "wp_live_x"] {
        let reply = look(&server, &stranger, token).await;
        if token.is_empty() {
            assert_eq!(refusal(&reply), (400, "invalid_request".into()));
        } else {
            assert_eq!(reply.json(), json!({"active": false}), "and nothing else");
        }
    }
    let used = client.refresh(&server, &refresh).await;
    assert_eq!(used.status, 200);
    assert_eq!(look(&server, &client, &refresh).await.json(), json!({"active": false}), "used up");
    let public = program(&server, &["links:read"]).await;
    assert_eq!(refusal(&look(&server, &public, &own).await), (400, "unauthorized_client".into()));
    let nobody = server.form(INTROSPECT, &[("token", &own)]).send().await;
    assert_eq!(refusal(&nobody), (401, "invalid_client".into()));
}

#[tokio::test]
async fn a_refresh_token_is_told_by_what_a_refresh_would_give() {
    let server = Server::start().await;
    let client = partner(&server, &["links:read", "links:write"]).await;
    let user = person(&server, "ada", Role::Editor).await;
    let (_, refresh) = tokens(&client.redeem(&server, &consent(&server, &client, user).await).await);
    assert_eq!(look(&server, &client, &refresh).await.json()["scope"], "links:read links:write");
    set_role(&server, user, Some(Role::Viewer)).await;
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(look(&server, &client, &refresh).await.json()["scope"], "links:read");
    set_role(&server, user, None).await;
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(look(&server, &client, &refresh).await.json(), json!({"active": false}));
}
