//! What is said on a socket, and what is answered.

use std::time::Duration;

use serde_json::{Value, json};
use waypost_core::push::LiveOptions;
use waypost_server_axum::HttpOptions;

use super::peer::{FIN, Ground, PING, PONG, Peer, within};
use crate::harness::Setup;

/// The next message, which must be an event of this subscription: the event.
async fn event(peer: &mut Peer, id: &str) -> Value {
    let message = peer.hear().await;
    assert_eq!((&message["type"], &message["id"]), (&json!("event"), &json!(id)), "{message}");
    message["event"].clone()
}

#[tokio::test]
async fn what_happens_comes_as_it_happens_and_the_list_shows_the_same() {
    let ground = Ground::start().await;
    let mut peer = ground.listen().await;
    ground.make(3).await;
    let listed = ground.server.get("/v1/events").send().await.json();
    for shown in listed["data"].as_array().unwrap() {
        assert_eq!(&event(&mut peer, "all").await, shown);
    }
    peer.hears_nothing().await;
}

#[tokio::test]
async fn who_comes_back_goes_on_at_its_place_and_is_told_so() {
    let ground = Ground::start().await;
    let mut peer = ground.open().await;
    peer.say(json!({"type": "subscribe", "id": "a", "from": "start"})).await;
    let subscribed = peer.hear().await;
    assert_eq!(subscribed["recovered"], false);
    let made = ground.make(2).await;
    let first = event(&mut peer, "a").await;
    drop(peer);
    for (cursor, missed) in [(&first["cursor"], &made[1..]), (&subscribed["cursor"], &made[..])] {
        let mut peer = ground.open().await;
        peer.say(json!({"type": "subscribe", "id": "b", "from": "now", "cursor": cursor})).await;
        let again = peer.hear().await;
        assert_eq!((&again["cursor"], &again["recovered"]), (cursor, &json!(true)));
        for id in missed {
            assert_eq!(event(&mut peer, "b").await["subject"], **id);
        }
        peer.hears_nothing().await;
    }
}

#[tokio::test]
async fn subscriptions_are_told_apart_and_end_one_by_one() {
    let ground = Ground::start().await;
    let made = ground.make(2).await;
    let mut peer = ground.open().await;
    // A name that JSON must escape.
    let odd = "\"\\\u{7}é";
    peer.say(json!({"type": "subscribe", "id": odd, "from": "start", "subject": made[1]})).await;
    assert_eq!(peer.hear().await["id"], odd);
    assert_eq!(event(&mut peer, odd).await["subject"], *made[1]);
    peer.say(json!({"type": "subscribe", "id": "none", "from": "start", "types": ["link.deleted"]})).await;
    assert_eq!(peer.hear().await["type"], "subscribed");
    peer.say(json!({"type": "subscribe", "id": "none"})).await;
    let taken = peer.hear().await;
    assert_eq!((&taken["id"], &taken["error"]["code"]), (&json!("none"), &json!("CONFLICT")));
    peer.say(json!({"type": "unsubscribe", "id": odd})).await;
    assert_eq!(peer.hear().await, json!({"type": "unsubscribed", "id": odd}));
    ground.make(1).await;
    peer.hears_nothing().await;
}

#[tokio::test]
async fn events_wait_for_acknowledgements_where_a_window_is_asked_for() {
    let ground = Ground::start().await;
    let mut peer = ground.open().await;
    peer.say(json!({"type": "subscribe", "id": "a", "window": 2})).await;
    peer.hear().await;
    let made = ground.make(5).await;
    event(&mut peer, "a").await;
    let second = event(&mut peer, "a").await;
    peer.hears_nothing().await;
    peer.say(json!({"type": "ack", "id": "a", "cursor": second["cursor"]})).await;
    assert_eq!(event(&mut peer, "a").await["subject"], *made[2]);
    assert_eq!(event(&mut peer, "a").await["subject"], *made[3]);
    peer.hears_nothing().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_told_field_by_field_and_the_socket_stays() {
    let ground = Ground::start().await;
    let mut peer = ground.open().await;
    let (long, types) = ("x".repeat(65), vec!["link.created"; 33]);
    let cases: Vec<(Value, Option<&str>, &str, Vec<&str>)> = vec![
        (json!({"type": "subscribe"}), None, "VALIDATION_FAILED", vec!["id"]),
        (json!({"type": "subscribe", "id": ""}), None, "VALIDATION_FAILED", vec!["id"]),
        (json!({"type": "subscribe", "id": long}), None, "VALIDATION_FAILED", vec!["id"]),
        (json!({"type": "subscribe", "id": 7, "colour": "red"}), None, "VALIDATION_FAILED", vec!["id", "colour"]),
        (
            json!({"type": "subscribe", "id": "a", "types": ["link.created", "Nonsense", 3]}),
            Some("a"),
            "VALIDATION_FAILED",
            vec!["types[1]", "types[2]"],
        ),
        (json!({"type": "subscribe", "id": "a", "types": types}), Some("a"), "VALIDATION_FAILED", vec!["types"]),
        (
            json!({"type": "subscribe", "id": "a", "subject": "", "from": "then", "overflow": "x", "window": 0}),
            Some("a"),
            "VALIDATION_FAILED",
            vec!["subject", "from", "overflow", "window"],
        ),
        (json!({"type": "subscribe", "id": "a", "window": 1001}), Some("a"), "VALIDATION_FAILED", vec!["window"]),
        (json!({"type": "subscribe", "id": "a", "presence": 1}), Some("a"), "VALIDATION_FAILED", vec!["presence"]),
        (json!({"type": "subscribe", "id": "a", "presence": true}), Some("a"), "VALIDATION_FAILED", vec!["presence"]),
        (
            json!({"type": "subscribe", "id": "a", "cursor": "x", "window": "2"}),
            Some("a"),
            "VALIDATION_FAILED",
            vec!["cursor", "window"],
        ),
        (json!({"type": "ack", "id": "a"}), Some("a"), "VALIDATION_FAILED", vec!["cursor"]),
        (json!({"type": "unsubscribe", "id": "a"}), Some("a"), "NOT_FOUND", vec![]),
        (json!({"type": "shout", "id": "a"}), Some("a"), "VALIDATION_FAILED", vec!["type"]),
        (json!({"id": "a"}), Some("a"), "VALIDATION_FAILED", vec!["type"]),
        (json!({"type": "ping", "id": "a"}), Some("a"), "VALIDATION_FAILED", vec!["id"]),
        (json!([]), None, "MALFORMED_REQUEST", vec![]),
        (json!("ping"), None, "MALFORMED_REQUEST", vec![]),
    ];
    for (message, id, code, fields) in cases {
        peer.say(message.clone()).await;
        let answer = peer.hear().await;
        let error = &answer["error"];
        assert_eq!((answer["type"].as_str(), answer["id"].as_str()), (Some("error"), id), "{message}: {answer}");
        assert_eq!(error["code"], code, "{message}: {answer}");
        let told: Vec<_> = error["details"].as_array().unwrap().iter().map(|issue| issue["field"].as_str()).collect();
        let fields: Vec<_> = fields.into_iter().map(Some).collect();
        assert_eq!(told, fields, "{message}: {answer}");
        assert!(error["request_id"].as_str().unwrap().starts_with("req_"), "{answer}");
        assert!(error["documentation_url"].as_str().unwrap().ends_with(code), "{answer}");
    }
    peer.hears_nothing().await;
}

#[tokio::test]
async fn cursors_that_are_forged_or_of_another_workspace_are_refused() {
    let ground = Ground::start().await;
    ground.make(1).await;
    let place = |page: Value| page["next_cursor"].as_str().unwrap().to_owned();
    let ours = place(ground.server.get("/v1/events").send().await.json());
    let other = ground.server.issue("other", "*").await;
    let foreign = place(ground.server.get("/v1/events").key(&other).send().await.json());
    let forged = format!("{}{}", &ours[..ours.len() - 2], if ours.ends_with("AA") { "BB" } else { "AA" });
    let mut peer = ground.open().await;
    for cursor in [&foreign, &forged, "nonsense", ""] {
        for kind in ["subscribe", "ack"] {
            peer.say(json!({"type": kind, "id": "a", "cursor": cursor})).await;
            let answer = peer.hear().await;
            assert_eq!(answer["error"]["code"], "INVALID_CURSOR", "{kind} {cursor}: {answer}");
            assert_eq!(answer["error"]["details"][0]["field"], "cursor");
        }
    }
    peer.say(json!({"type": "subscribe", "id": "a", "cursor": ours})).await;
    assert_eq!(peer.hear().await["type"], "subscribed");
}

#[tokio::test]
async fn another_workspace_hears_nothing_of_it() {
    let ground = Ground::start().await;
    let other = format!("Bearer {}", ground.server.issue("other", "events:read").await);
    let (mut foreign, head) = ground.ask(&[("authorization", &other)]).await;
    assert_eq!(head.status, 101);
    foreign.say(json!({"type": "subscribe", "id": "all", "from": "start"})).await;
    assert_eq!(foreign.hear().await["type"], "subscribed");
    ground.make(2).await;
    foreign.hears_nothing().await;
}

#[tokio::test]
async fn a_ping_comes_every_25_s_and_who_does_not_answer_in_10_is_cut_off() {
    let ground = Ground::start().await;
    let mut peer = ground.listen().await;
    let clock = &ground.server.clock;
    for _ in 0..3 {
        clock.advance(Duration::from_secs(25));
        assert_eq!(peer.next().await.unwrap().opcode, PING);
        peer.send(FIN | PONG, b"").await;
        peer.hears_nothing().await;
        clock.advance(Duration::from_secs(10));
        peer.hears_nothing().await;
        // Not 25 s after the last ping yet; what a client says is as good as a pong.
    }
    clock.advance(Duration::from_secs(25));
    assert_eq!(peer.next().await.unwrap().opcode, PING);
    clock.advance(Duration::from_secs(10));
    let (messages, code) = peer.end().await;
    assert_eq!((code, &messages[0]["reason"]), (Some(4408), &json!("silent")));
}

#[tokio::test]
async fn a_socket_ends_when_its_key_is_revoked() {
    let ground = Ground::start().await;
    let body = json!({"name": "feed", "scopes": ["events:read"]});
    let issued = ground.server.post("/v1/api-keys", &body).send().await.json();
    let key = format!("Bearer {}", issued["key"].as_str().unwrap());
    let (mut peer, _) = ground.ask(&[("authorization", &key)]).await;
    let path = format!("/v1/api-keys/{}", issued["id"].as_str().unwrap());
    ground.server.clock.advance(Duration::from_secs(15));
    peer.hears_nothing().await;
    assert_eq!(ground.server.delete(&path).send().await.status, 204);
    ground.server.clock.advance(Duration::from_secs(15));
    let (messages, code) = peer.end().await;
    assert_eq!((code, &messages[0]["reason"]), (Some(4401), &json!("token_ended")));
}

#[tokio::test]
async fn one_too_many_and_a_node_that_stops_are_told_past_the_handshake() {
    let live = LiveOptions { most_per_principal: 1, ..LiveOptions::default() };
    let ground = Ground::with(HttpOptions::default(), Setup { live, ..Setup::default() }).await;
    let mut first = ground.listen().await;
    let (messages, code) = ground.open().await.end().await;
    assert_eq!((code, &messages[0]["reason"]), (Some(4429), &json!("too_many")));
    let wait = messages[0]["reconnect_after_ms"].as_u64().unwrap();
    assert!((5_000..=10_000).contains(&wait), "{wait}");

    let hub = ground.server.platform.live.clone();
    let drained = tokio::spawn(async move { hub.drain(Duration::from_secs(1)).await });
    let (messages, code) = first.end().await;
    assert_eq!((code, &messages[0]["reason"]), (Some(1001), &json!("drain")));
    within(drained).await.unwrap();
    let (messages, code) = ground.open().await.end().await;
    assert_eq!((code, &messages[0]["reason"]), (Some(1001), &json!("drain")));
}
