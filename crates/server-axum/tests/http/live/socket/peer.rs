//! A server on a socket, and the other ends of WebSockets, which write what they like.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use waypost_server_axum::{App, Gateway, HttpOptions, ServeOptions, serve};

use crate::harness::{Server, Setup};

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;
/// The bit of a message's last frame.
pub(super) const FIN: u8 = 0x80;

/// A server on a port of its own.
pub(super) struct Ground {
    pub(super) server: Server,
    pub(super) address: SocketAddr,
    pub(super) key: String,
}

impl Ground {
    pub(super) async fn start() -> Self {
        Self::with(HttpOptions::default(), Setup::default()).await
    }

    pub(super) async fn with(http: HttpOptions, setup: Setup) -> Self {
        let server = Server::with(setup).await;
        let gateway = Gateway::new(App::new(server.platform.clone(), http, None)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(
            listener,
            move |peer| gateway.for_peer(peer),
            ServeOptions::default(),
            CancellationToken::new(),
        ));
        let key = server.issue("default", "*").await;
        // The log is looked at for the first time.
        server.run_engines().await;
        Self { server, address, key }
    }

    /// A handshake, with these fields instead of the usual ones of the same names, or beside them.
    pub(super) async fn ask(&self, fields: &[(&str, &str)]) -> (Peer, Head) {
        let key = format!("Bearer {}", self.key);
        let usual = [
            ("host", "go.example"),
            ("authorization", &*key),
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let kept = usual.iter().filter(|(name, _)| fields.iter().all(|(other, _)| other != name));
        let mut head = "GET /v1/events/socket HTTP/1.1\r\n".to_owned();
        for (name, value) in kept.chain(fields).filter(|(_, value)| !value.is_empty()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        // Little room, so that a peer that does not read is noticed.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8 * 1024).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut peer = Peer { stream, read: Vec::new() };
        let head = peer.head().await;
        (peer, head)
    }

    /// A socket that is open.
    pub(super) async fn open(&self) -> Peer {
        let (peer, head) = self.ask(&[]).await;
        assert_eq!(head.status, 101, "{}", head.text);
        peer
    }

    /// A socket that listens to everything from now on.
    pub(super) async fn listen(&self) -> Peer {
        let mut peer = self.open().await;
        peer.say(json!({"type": "subscribe", "id": "all"})).await;
        assert_eq!(peer.hear().await["type"], "subscribed");
        peer
    }

    /// Makes so many links, and has it told; gives their ids.
    pub(super) async fn make(&self, count: usize) -> Vec<String> {
        let mut made = Vec::new();
        for _ in 0..count {
            let link = self.server.make(json!({"destination": "https://example.com/"})).await;
            made.push(link["id"].as_str().unwrap().to_owned());
        }
        self.server.run_engines().await;
        made
    }

    /// The server still serves others.
    pub(super) async fn is_well(&self) {
        let mut peer = self.open().await;
        peer.say(json!({"type": "ping"})).await;
        assert_eq!(peer.hear().await, json!({"type": "pong"}));
    }
}

/// The head of an answer, and the body of a refusal.
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Head {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let lines = self.text.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) opcode: u8,
    pub(super) payload: Vec<u8>,
}

/// The other end of a WebSocket.
pub(super) struct Peer {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A frame as clients send it: masked, its length as short as can be.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(0x80 | u8::try_from(short).unwrap()),
        middle @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

impl Peer {
    /// Writes these bytes; the server may have closed already, having read enough.
    pub(super) async fn write(&mut self, bytes: &[u8]) {
        let _ = within(self.stream.write_all(bytes)).await;
    }

    pub(super) async fn send(&mut self, first: u8, payload: &[u8]) {
        self.write(&frame(first, payload)).await;
    }

    pub(super) async fn say(&mut self, message: Value) {
        self.send(FIN | TEXT, message.to_string().as_bytes()).await;
    }

    /// The next frame; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, length)) = parse(&self.read) {
                self.read.drain(..length);
                return Some(frame);
            }
            let mut chunk = [0; 16 * 1024];
            match within(self.stream.read(&mut chunk)).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.read.extend_from_slice(&chunk[..read]),
            }
        }
    }

    /// The next message.
    pub(super) async fn hear(&mut self) -> Value {
        let frame = self.next().await.expect("a message");
        assert_eq!(frame.opcode, TEXT, "{frame:?}");
        serde_json::from_slice(&frame.payload).unwrap()
    }

    /// Nothing more has come by the time that an answer has.
    pub(super) async fn hears_nothing(&mut self) {
        self.say(json!({"type": "ping"})).await;
        assert_eq!(self.hear().await, json!({"type": "pong"}));
    }

    /// Everything up to the close, the code of which is given, and then the end.
    pub(super) async fn end(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut messages = Vec::new();
        loop {
            let frame = self.next().await.expect("a close comes before the end");
            match frame.opcode {
                TEXT => messages.push(serde_json::from_slice(&frame.payload).unwrap()),
                CLOSE => {
                    assert!(frame.payload.len() <= 125);
                    let code = frame.payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
                    assert_eq!(self.next().await, None, "the server ends first");
                    return (messages, code);
                }
                _ => {}
            }
        }
    }

    /// Breaks the connection off.
    pub(super) fn drop_it(self) {
        drop(self.stream);
    }

    async fn head(&mut self) -> Head {
        let mut text = Vec::new();
        loop {
            let mut byte = [0];
            within(self.stream.read_exact(&mut byte)).await.unwrap();
            text.push(byte[0]);
            if text.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        let mut head = Head { status: 0, text: String::from_utf8(text).unwrap() };
        head.status = head.text[9..12].parse().unwrap();
        if let Some(length) = head.field("content-length") {
            let mut body = vec![0; length.parse().unwrap()];
            within(self.stream.read_exact(&mut body)).await.unwrap();
            head.text.push_str(std::str::from_utf8(&body).unwrap());
        }
        head
    }
}

/// A whole frame at the beginning of these bytes, and its length.
fn parse(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert_eq!(first & 0xf0, FIN, "whole messages, no bits of extensions");
    assert!(second < 0x80, "a server masks nothing");
    let (length, start) = match second {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap())).unwrap(), 10),
        short => (usize::from(short), 2),
    };
    let payload = bytes.get(start..start + length)?.to_vec();
    Some((Frame { opcode: first & 0x0f, payload }, start + length))
}

/// Nothing in these tests may take longer, whatever goes wrong.
pub(super) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs")
}
