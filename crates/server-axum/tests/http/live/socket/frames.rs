//! Frames that break the protocol (RFC 6455 §5), and some that only look like it.

use serde_json::json;

use super::peer::{BINARY, CLOSE, CONTINUATION, FIN, Ground, PING, PONG, Peer, TEXT, frame};

const PING_MESSAGE: &[u8] = br#"{"type":"ping"}"#;

#[tokio::test]
async fn what_breaks_the_protocol_is_told_by_its_code_and_closed() {
    let ground = Ground::start().await;
    let unmasked = [&[FIN | TEXT, 15][..], PING_MESSAGE].concat();
    let long_length = [&[FIN | TEXT, 0x80 | 126, 0, 15, 0, 0, 0, 0][..], PING_MESSAGE].concat();
    let begun = frame(TEXT, b"{");
    let too_long = [&[FIN | TEXT, 0x80 | 127][..], &(64_u64 * 1024 + 1).to_be_bytes(), &[0; 4]].concat();
    let vast = [&[FIN | TEXT, 0x80 | 127][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    let fragments = [frame(TEXT, &[b' '; 40_000]), frame(CONTINUATION, &[b' '; 40_000])].concat();
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("a frame without a mask", unmasked, 1002),
        ("RSV1, which is for compression", frame(0xc1, PING_MESSAGE), 1002),
        ("RSV2", frame(0xa1, PING_MESSAGE), 1002),
        ("RSV3 of a control frame", frame(0x99, b""), 1002),
        ("an opcode for data that is not in use", frame(FIN | 3, PING_MESSAGE), 1002),
        ("an opcode for control that is not in use", frame(FIN | 11, b""), 1002),
        ("a control frame above 125 bytes", frame(FIN | PING, &[0; 126]), 1002),
        ("a fragmented control frame", frame(PING, b"x"), 1002),
        ("a continuation of nothing", frame(FIN | CONTINUATION, b"x"), 1002),
        ("a message within a message", [begun, frame(FIN | TEXT, PING_MESSAGE)].concat(), 1002),
        ("a length in more bytes than it needs", long_length, 1002),
        ("a close of one byte", frame(FIN | CLOSE, &[3]), 1002),
        ("a binary message", frame(FIN | BINARY, PING_MESSAGE), 1003),
        ("no UTF-8", frame(FIN | TEXT, b"\"\xff\""), 1007),
        ("no UTF-8, by the second fragment", [frame(TEXT, b"\"\xc3"), frame(FIN | CONTINUATION, b"\"")].concat(), 1007),
        ("a character that is not whole", [frame(TEXT, b"\""), frame(FIN | CONTINUATION, b"\xc3")].concat(), 1007),
        ("a surrogate", frame(FIN | TEXT, b"\"\xed\xa0\x80\""), 1007),
        ("a reason of a close that is no UTF-8", frame(FIN | CLOSE, b"\x03\xe8\xff"), 1007),
        ("a frame that is too long, by its head alone", too_long, 1009),
        ("a frame of 16 exbibytes", vast, 1009),
        ("a message that is too long, by its fragments", fragments, 1009),
    ];
    for (name, bytes, code) in cases {
        let mut peer = ground.open().await;
        peer.write(&bytes).await;
        let (messages, closed) = peer.end().await;
        assert_eq!(closed, Some(code), "{name}");
        let last = messages.last().unwrap_or_else(|| panic!("{name}: a last word"));
        assert_eq!((&last["type"], &last["reason"]), (&json!("closing"), &json!("violation")), "{name}");
    }
    ground.is_well().await;
}

#[tokio::test]
async fn a_close_is_echoed_whatever_it_says() {
    let ground = Ground::start().await;
    let cases: [(&[u8], Option<u16>); 6] = [
        (b"", None),
        (b"\x03\xe8", Some(1000)),
        (b"\x03\xe8bye", Some(1000)),
        (b"\x0f\xa0", Some(4000)),
        // Codes that nobody may send.
        (b"\x03\xed", Some(1002)),
        (b"\x03\xe7", Some(1002)),
    ];
    for (payload, code) in cases {
        let mut peer = ground.listen().await;
        // What follows a close is not looked at.
        peer.write(&[frame(FIN | CLOSE, payload), vec![0xff; 100]].concat()).await;
        assert_eq!(peer.end().await, (Vec::new(), code), "{payload:?}");
    }
    assert_eq!(ground.server.platform.live.sessions(), 0);
}

#[tokio::test]
async fn a_client_that_is_gone_without_a_word_leaves_nothing_behind() {
    let ground = Ground::start().await;
    let mut begun = ground.listen().await;
    begun.write(&frame(TEXT, b"{\"type\"")[..7]).await;
    begun.drop_it();
    ground.listen().await.drop_it();
    super::peer::within(async {
        while ground.server.platform.live.sessions() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_may_come_in_pieces_with_pings_between_them() {
    let ground = Ground::start().await;
    let mut peer = ground.open().await;
    let message = "{\"type\":\"subscribe\",\"id\":\"straße\"}".as_bytes();
    // Within the character, and with an empty piece.
    let (first, rest) = message.split_at(message.iter().position(|byte| *byte == 0xc3).unwrap() + 1);
    peer.send(TEXT, first).await;
    peer.send(FIN | PING, b"are you there").await;
    peer.send(CONTINUATION, b"").await;
    peer.send(FIN | PONG, b"unasked for").await;
    peer.send(FIN | CONTINUATION, rest).await;
    let pong = peer.next().await.unwrap();
    assert_eq!((pong.opcode, &*pong.payload), (PONG, &b"are you there"[..]));
    let subscribed = peer.hear().await;
    assert_eq!((&subscribed["type"], &subscribed["id"]), (&json!("subscribed"), &json!("straße")));
}

#[tokio::test]
async fn bytes_may_come_one_by_one() {
    let ground = Ground::start().await;
    let mut peer = ground.open().await;
    for byte in frame(FIN | TEXT, PING_MESSAGE) {
        peer.write(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(peer.hear().await, json!({"type": "pong"}));
}

#[tokio::test]
async fn the_largest_message_is_read_and_its_memory_let_go() {
    let ground = Ground::start().await;
    let mut peer = ground.open().await;
    let mut message = PING_MESSAGE.to_vec();
    message.resize(64 * 1024, b' ');
    peer.send(FIN | TEXT, &message).await;
    assert_eq!(peer.hear().await, json!({"type": "pong"}));
    still_there(peer).await;
}

async fn still_there(mut peer: Peer) {
    peer.send(FIN | PING, &[7; 125]).await;
    let pong = peer.next().await.unwrap();
    assert_eq!((pong.opcode, pong.payload.len()), (PONG, 125));
}
