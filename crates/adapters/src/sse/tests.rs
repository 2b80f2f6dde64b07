//! What stands in a stream.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use waypost_core::conformance::fixtures::{at, event};
use waypost_core::events::{Epoch, Logged, Position};
use waypost_core::page::Cursors;
use waypost_core::push::{Closing, Frame, Push, PushTransport as _, Reason};

use super::transport::SseTransport;

fn frame(n: u64) -> Arc<Frame> {
    let logged = Logged { position: Position { epoch: Epoch(1), offset: n }, event: event(n, "lnk_1") };
    Arc::new(Frame::of(&logged, &Cursors::new([1; 32]), at(0)).expect("the fixture is JSON"))
}

fn told(n: u64) -> Push {
    Push::Event { id: "stream".into(), frame: frame(n) }
}

fn text(transport: &mut SseTransport) -> String {
    let mut text = Vec::new();
    while let Some(bytes) = transport.take() {
        text.extend_from_slice(&bytes);
    }
    String::from_utf8(text).expect("a stream is UTF-8 (WHATWG HTML §9.2.5)")
}

#[test]
fn a_stream_opens_at_once_and_says_how_long_to_wait() {
    assert_eq!(text(&mut SseTransport::new()), ": ok\nretry: 3000\n\n");
}

#[test]
fn an_event_has_its_place_its_type_and_one_line_of_data() {
    let mut transport = SseTransport::default();
    transport.push(told(1));
    let block = text(&mut transport);
    let lines: Vec<_> = block.lines().collect();
    assert_eq!(lines.len(), 4, "{block}");
    let data: serde_json::Value = serde_json::from_str(&lines[2]["data: ".len()..]).expect("an event");
    assert_eq!(lines[0], format!("id: {}", data["cursor"].as_str().expect("a cursor")));
    assert_eq!((lines[1], lines[3]), ("event: link.created", ""));
}

#[test]
fn the_place_comes_without_an_event_and_turns_say_why() {
    let mut transport = SseTransport::default();
    transport.push(Push::Subscribed { id: "stream".into(), cursor: "abc".into(), recovered: false });
    assert_eq!(text(&mut transport), "id: abc\n\n");
    transport.push(Push::Reset { id: "stream".into(), cursor: "abd".into() });
    assert_eq!(text(&mut transport), "id: abd\nevent: reset\ndata: {\"reason\":\"expired\",\"cursor\":\"abd\"}\n\n");
    transport.push(Push::Heartbeat);
    assert_eq!(text(&mut transport), ":\n\n");
    // Rounded up: who comes back is not to be early.
    let reconnect_after = Duration::from_micros(1_499_001);
    transport.push(Push::Closing(Closing { reason: Reason::Drain, reconnect_after }));
    let closing = "retry: 1500\nevent: closing\ndata: {\"reason\":\"drain\",\"reconnect_after_ms\":1500}\n\n";
    assert_eq!(text(&mut transport), closing);
}

#[test]
fn what_gathers_goes_out_as_one_and_what_is_alone_is_not_copied() {
    let mut transport = SseTransport::default();
    let shared = frame(1);
    let single = || Push::Event { id: "stream".into(), frame: shared.clone() };
    transport.push(single());
    let first = transport.take().expect("one block").as_ptr();
    let mut other = SseTransport::default();
    other.push(single());
    assert_eq!(other.take().expect("the same block").as_ptr(), first);
    for n in 1..=5 {
        transport.push(told(n));
    }
    let all = transport.take().expect("five blocks");
    assert_eq!(String::from_utf8_lossy(&all).matches("\ndata: ").count(), 5);
    assert!(transport.take().is_none());
}

#[test]
fn a_transport_is_full_at_16_kib_and_takes_the_last_word_all_the_same() {
    let mut transport = SseTransport::default();
    let mut context = Context::from_waker(Waker::noop());
    let mut taken = 0;
    while transport.poll_ready(&mut context) == Poll::Ready(Ok(())) {
        taken += 1;
        transport.push(told(taken));
    }
    assert!((10..100).contains(&taken), "{taken}");
    transport.push(Push::Closing(Closing { reason: Reason::TooSlow, reconnect_after: Duration::ZERO }));
    let all = text(&mut transport);
    assert!(all.len() < 20 * 1_024 && all.ends_with("\"reconnect_after_ms\":0}\n\n"), "{}", all.len());
    assert_eq!(transport.poll_ready(&mut context), Poll::Ready(Ok(())));
}
