//! What goes out is what a client reads, and nothing is held once it is out.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tungstenite::Message;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use waypost_core::push::Gone;

use super::super::code::BINARY;
use super::super::outgoing::Outgoing;

/// A connection that takes so many bytes, and so many at a time.
struct Narrow {
    taken: Vec<u8>,
    room: usize,
    writes: usize,
}

impl Narrow {
    fn new(room: usize) -> Self {
        Self { taken: Vec::new(), room, writes: 0 }
    }
}

impl AsyncWrite for Narrow {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = self.room.min(bytes.len());
        if taken == 0 {
            return Poll::Pending;
        }
        self.room -= taken;
        self.writes += 1;
        self.taken.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn cx() -> Context<'static> {
    Context::from_waker(std::task::Waker::noop())
}

/// Reads bytes as a client does.
struct Bytes<'a>(&'a [u8]);

impl Read for Bytes<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

impl Write for Bytes<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn messages_of_every_length_are_read_as_they_were_written_and_go_out_together() {
    let lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 100_000];
    let mut outgoing = Outgoing::default();
    for length in lengths {
        outgoing.text(|bytes| bytes.resize(bytes.len() + length, b'x'));
    }
    outgoing.ping();
    outgoing.close(BINARY);
    let mut io = Narrow::new(usize::MAX);
    assert_eq!(outgoing.poll_flush(&mut io, &mut cx()), Poll::Ready(Ok(())));
    assert_eq!(io.writes, 1);
    let mut client = WebSocketContext::new(Role::Client, Some(WebSocketConfig::default()));
    let mut bytes = Bytes(&io.taken);
    for length in lengths {
        let Message::Text(text) = client.read(&mut bytes).unwrap() else { panic!("a text") };
        assert!(text.len() == length && text.bytes().all(|byte| byte == b'x'), "{length}");
    }
    assert_eq!(client.read(&mut bytes).unwrap(), Message::Ping(Vec::new().into()));
    let Message::Close(Some(close)) = client.read(&mut bytes).unwrap() else { panic!("a close") };
    assert_eq!((u16::from(close.code), &*close.reason), (1003, "only text messages are read here"));
}

#[test]
fn room_is_bounded_and_nothing_is_held_once_it_is_out() {
    let mut outgoing = Outgoing::default();
    let mut io = Narrow::new(0);
    let mut added = 0;
    while outgoing.poll_room(&mut io, &mut cx()) == Poll::Ready(Ok(())) {
        outgoing.text(|bytes| bytes.resize(bytes.len() + 1_000, b'x'));
        added += 1;
    }
    assert!((60..=70).contains(&added), "{added}");
    assert!(!outgoing.has_moved());
    io.room = 10;
    assert!(outgoing.poll_flush(&mut io, &mut cx()).is_pending());
    assert!(outgoing.has_moved(), "the other side has taken something after it had not");
    assert!(!outgoing.has_moved(), "that is news once");
    io.room = usize::MAX;
    assert_eq!(outgoing.poll_flush(&mut io, &mut cx()), Poll::Ready(Ok(())));
    assert_eq!(io.taken.len(), added * 1_004);
    assert_eq!(outgoing.capacity(), 0);
}

#[tokio::test]
async fn a_connection_that_is_gone_says_so() {
    let (mut near, far) = tokio::io::duplex(64);
    drop(far);
    let mut outgoing = Outgoing::default();
    outgoing.ping();
    let flushed = std::future::poll_fn(|cx| outgoing.poll_flush(&mut near, cx)).await;
    assert_eq!(flushed, Err(Gone));
}
