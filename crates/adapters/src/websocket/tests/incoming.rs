//! What comes in is what a client wrote, however it was cut, and nothing is held between messages.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use tungstenite::Message;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use super::super::incoming::{Fault, Incoming};
use super::super::outgoing::Outgoing;

/// What a client writes for a text in pieces.
fn written(text: &str, cuts: &[usize]) -> Vec<u8> {
    let mut client = WebSocketContext::new(Role::Client, Some(WebSocketConfig::default().write_buffer_size(0)));
    let mut wire = std::io::Cursor::new(Vec::new());
    let mut rest = text.as_bytes();
    let mut opcode = Data::Text;
    for cut in cuts {
        let (piece, after) = rest.split_at((*cut).min(rest.len()));
        let frame = Frame::message(piece.to_vec(), OpCode::Data(opcode), false);
        client.write(&mut wire, Message::Frame(frame)).unwrap();
        (rest, opcode) = (after, Data::Continue);
    }
    let last = Frame::message(rest.to_vec(), OpCode::Data(opcode), true);
    client.write(&mut wire, Message::Frame(last)).unwrap();
    client.flush(&mut wire).unwrap();
    wire.into_inner()
}

proptest! {
    #[test]
    fn a_text_is_read_however_it_is_cut(
        texts in prop::collection::vec((".{0,300}", prop::collection::vec(0..200_usize, 0..5)), 1..5),
        chunk in 1..600_usize,
    ) {
        let bytes: Vec<u8> = texts.iter().flat_map(|(text, cuts)| written(text, cuts)).collect();
        let (mut incoming, mut outgoing) = (Incoming::default(), Outgoing::default());
        let mut heard = Vec::new();
        let mut now = Timestamp::UNIX_EPOCH;
        for mut chunk in bytes.chunks(chunk) {
            now += Duration::from_secs(5);
            prop_assert_eq!(incoming.admit(chunk, now), Ok(()));
            while let Some(message) = incoming.next(&mut chunk, &mut outgoing) {
                heard.push(message.unwrap().into_text().unwrap().to_string());
            }
        }
        let said: Vec<_> = texts.into_iter().map(|(text, _)| text).collect();
        prop_assert_eq!(heard, said);
        prop_assert!(!incoming.holds_something(), "nothing is held between messages");
    }
}

#[test]
fn what_is_held_of_half_a_message_is_let_go_with_it() {
    let (mut incoming, mut outgoing) = (Incoming::default(), Outgoing::default());
    let bytes = written(&"x".repeat(60_000), &[30_000]);
    let (mut first, mut rest) = bytes.split_at(40_000);
    assert_eq!(incoming.admit(first, Timestamp::UNIX_EPOCH), Ok(()));
    assert!(incoming.next(&mut first, &mut outgoing).is_none());
    assert!(incoming.holds_something());
    assert_eq!(incoming.admit(rest, Timestamp::UNIX_EPOCH), Ok(()));
    assert!(incoming.next(&mut rest, &mut outgoing).is_some());
    assert!(incoming.next(&mut rest, &mut outgoing).is_none());
    assert!(!incoming.holds_something());
}

#[test]
fn so_many_at_once_and_so_many_a_second() {
    let mut incoming = Incoming::default();
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    assert_eq!(incoming.charge(100, at(0)), Ok(()));
    assert_eq!(incoming.charge(1, at(0)), Err(Fault::Flood));
    assert_eq!(incoming.charge(20, at(1)), Ok(()));
    assert_eq!(incoming.charge(1, at(1)), Err(Fault::Flood));
}
