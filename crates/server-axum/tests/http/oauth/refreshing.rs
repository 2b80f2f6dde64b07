//! Refresh tokens that rotate (RFC 9700 §4.14.2).

use std::time::Duration;

use waypost_core::members::Role;

use super::forge::part;
use super::parties::{TOKEN, consent, partner, person, program, refusal, tokens};
use crate::harness::Server;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_lost_answer_is_given_again_and_two_refreshes_at_once_are_no_theft() {
    let server = Server::start().await;
    let client = program(&server, &["links:read"]).await;
    let user = person(&server, "ada", Role::Editor).await;
    let (_, first) = tokens(&client.redeem(&server, &consent(&server, &client, user).await).await);
    let replies = futures_util::future::join_all((0..8).map(|_| client.refresh(&server, &first))).await;
    let successors: Vec<_> = replies.iter().map(|reply| tokens(reply).1).collect();
    assert!(successors.iter().all(|text| *text == successors[0] && *text != first), "one successor");
    server.clock.advance(Duration::from_secs(10));
    let (access, again) = tokens(&client.refresh(&server, &first).await);
    assert_eq!(again, successors[0], "the same for ten seconds");
    assert_eq!(server.get("/v1/links").key(&access).send().await.status, 200);
    let (_, next) = tokens(&client.refresh(&server, &again).await);
    assert_ne!(next, again);
}

#[tokio::test]
async fn a_token_that_comes_again_ends_the_whole_family() {
    let server = Server::start().await;
    let client = program(&server, &["links:read"]).await;
    let user = person(&server, "ada", Role::Editor).await;
    for (name, wait, used_successor) in [("later", 11, false), ("after its successor", 0, true)] {
        let (_, old) = tokens(&client.redeem(&server, &consent(&server, &client, user).await).await);
        let (access, mut newest) = tokens(&client.refresh(&server, &old).await);
        if used_successor {
            newest = tokens(&client.refresh(&server, &newest).await).1;
        }
        server.clock.advance(Duration::from_secs(wait));
        assert_eq!(refusal(&client.refresh(&server, &old).await), (400, "invalid_grant".into()), "{name}");
        assert_eq!(refusal(&client.refresh(&server, &newest).await), (400, "invalid_grant".into()), "{name}");
        assert_eq!(server.get("/v1/links").key(&access).send().await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn a_refresh_narrows_for_once_and_never_widens() {
    let server = Server::start().await;
    let client = partner(&server, &["links:read", "links:write"]).await;
    let user = person(&server, "ada", Role::Editor).await;
    let (_, refresh) = tokens(&client.redeem(&server, &consent(&server, &client, user).await).await);
    let with = |token: &str, scope: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        client.ask(&server, TOKEN, &form)
    };
    let wide = with(&refresh, "links:read members:write").send().await;
    assert_eq!(refusal(&wide), (400, "invalid_scope".into()));
    let narrow = with(&refresh, "links:read").send().await;
    assert_eq!(narrow.json()["scope"], "links:read");
    let whole = client.refresh(&server, &tokens(&narrow).1).await;
    assert_eq!(whole.json()["scope"], "links:read links:write", "the grant is as it was");
}

#[tokio::test]
async fn a_refresh_token_is_its_clients_alone() {
    let server = Server::start().await;
    let (client, other) = (partner(&server, &["links:read"]).await, partner(&server, &["links:read"]).await);
    let user = person(&server, "ada", Role::Editor).await;
    let (_, refresh) = tokens(&client.redeem(&server, &consent(&server, &client, user).await).await);
    assert_eq!(refusal(&other.refresh(&server, &refresh).await), (400, "invalid_grant".into()));
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("client_id", &client.id)];
    let unproven = server.form(TOKEN, &form).send().await;
    assert_eq!(refusal(&unproven), (401, "invalid_client".into()), "a confidential client proves who it is");
    tokens(&client.refresh(&server, &refresh).await);
}

#[tokio::test]
async fn a_grant_ends_by_lying_idle_and_after_a_quarter_however_much_it_is_used() {
    let server = Server::start().await;
    let client = program(&server, &["links:read"]).await;
    let user = person(&server, "ada", Role::Editor).await;
    let (_, idle) = tokens(&client.redeem(&server, &consent(&server, &client, user).await).await);
    let (_, mut used) = tokens(&client.redeem(&server, &consent(&server, &client, user).await).await);
    for days in [29, 29, 29] {
        server.clock.advance(DAY * days);
        used = tokens(&client.refresh(&server, &used).await).1;
    }
    assert_eq!(refusal(&client.refresh(&server, &idle).await), (400, "invalid_grant".into()));
    server.clock.advance(DAY * 3 - Duration::from_secs(60));
    let last = client.refresh(&server, &used).await;
    assert_eq!(last.json()["expires_in"], 60, "no access token outlives the grant");
    let claims = part(&tokens(&last).0, 1);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    server.clock.advance(Duration::from_secs(60));
    assert_eq!(refusal(&client.refresh(&server, &tokens(&last).1).await), (400, "invalid_grant".into()));
}
