//! Clients that send more than they may.

use serde_json::{Value, json};

use super::peer::{CONTINUATION, FIN, Ground, PING, PONG, TEXT, frame};

/// Sends this, which must be too much, and gives the messages up to the end.
async fn cut_off(ground: &Ground, bytes: Vec<u8>) -> Vec<Value> {
    let mut peer = ground.open().await;
    peer.write(&bytes).await;
    let (messages, code) = peer.end().await;
    assert_eq!(code, Some(4429));
    let last = messages.last().unwrap();
    assert_eq!((&last["type"], &last["reason"]), (&json!("closing"), &json!("rate_limited")));
    assert!(last["reconnect_after_ms"].as_u64().unwrap() <= 1_000);
    ground.is_well().await;
    messages
}

#[tokio::test]
async fn pings_and_pongs_and_empty_fragments_count_like_messages() {
    let ground = Ground::start().await;
    cut_off(&ground, frame(FIN | PING, &[0; 125]).repeat(1_000)).await;
    cut_off(&ground, frame(FIN | PONG, b"").repeat(10_000)).await;
    let fragments = [frame(TEXT, b"\""), frame(CONTINUATION, b"").repeat(10_000)].concat();
    cut_off(&ground, fragments).await;
}

#[tokio::test]
async fn bytes_count_too() {
    let ground = Ground::start().await;
    let mut message = br#"{"type":"ping"}"#.to_vec();
    message.resize(60_000, b' ');
    let messages = cut_off(&ground, frame(FIN | TEXT, &message).repeat(3)).await;
    let pongs = messages.iter().filter(|message| message["type"] == "pong").count();
    assert_eq!(pongs, 2, "two of the largest at once are none too many");
}

#[tokio::test]
async fn a_thousand_subscriptions_are_cut_off_and_fifty_stand() {
    let ground = Ground::start().await;
    let mut peer = ground.open().await;
    let subscribe = |number: u32| {
        let message = json!({"type": "subscribe", "id": format!("s{number}")}).to_string();
        frame(FIN | TEXT, message.as_bytes())
    };
    peer.write(&(0..51).flat_map(subscribe).collect::<Vec<u8>>()).await;
    let (mut stand, mut refused) = (0, Vec::new());
    while stand + refused.len() < 51 {
        let answer = peer.hear().await;
        match answer["type"].as_str() {
            Some("subscribed") => stand += 1,
            _ => refused.push(answer),
        }
    }
    assert_eq!(stand, 50);
    assert_eq!((&refused[0]["id"], &refused[0]["error"]["code"]), (&json!("s50"), &json!("VALIDATION_FAILED")));
    let made = ground.make(1).await;
    for _ in 0..50 {
        assert_eq!(peer.hear().await["event"]["subject"], *made[0]);
    }
    peer.write(&(51..1_000).flat_map(subscribe).collect::<Vec<u8>>()).await;
    assert_eq!(peer.end().await.1, Some(4429));
    ground.is_well().await;
}

#[tokio::test]
async fn noise_counts_twice() {
    let ground = Ground::start().await;
    let mut peer = ground.open().await;
    for number in 0..50 {
        peer.send(FIN | TEXT, b"noise").await;
        let answer = peer.hear().await;
        assert_eq!(answer["error"]["code"], "MALFORMED_REQUEST", "{number}: {answer}");
    }
    peer.say(json!({"type": "ping"})).await;
    assert_eq!(peer.end().await.1, Some(4429));
}

#[tokio::test]
async fn who_waits_may_send_again() {
    let ground = Ground::start().await;
    let mut peer = ground.open().await;
    for _ in 0..5 {
        for _ in 0..100 {
            peer.say(json!({"type": "ping"})).await;
            assert_eq!(peer.hear().await, json!({"type": "pong"}));
        }
        ground.server.clock.advance(std::time::Duration::from_secs(5));
    }
}

#[tokio::test]
async fn an_answer_to_nonsense_is_not_much_longer_than_the_nonsense() {
    let ground = Ground::start().await;
    let mut peer = ground.open().await;
    let fields: Vec<String> = (0..5_000).map(|number| format!("\"{number:x}\":0")).collect();
    let many = format!("{{\"type\":\"ping\",{}}}", fields.join(","));
    let long = format!("{{\"type\":\"ping\",\"{}\":0}}", "\u{1}x".repeat(2).repeat(2_000).replace('\u{1}', "\\u0001"));
    for message in [&many, &long, &"x".repeat(60_000)] {
        peer.send(FIN | TEXT, message.as_bytes()).await;
        let answer = peer.next().await.unwrap();
        assert!(answer.payload.len() < 4_096, "{}", answer.payload.len());
        ground.server.clock.advance(std::time::Duration::from_secs(5));
    }
    // What stands twice is named, in a few characters.
    let name = "y".repeat(20_000);
    peer.send(FIN | TEXT, format!("{{\"{name}\":0,\"{name}\":1}}").as_bytes()).await;
    assert!(peer.next().await.unwrap().payload.len() < 1_024);
}
