//! HTTP/2: frames that cost the sender little and the server much (CVE-2023-44487, CVE-2024-27316, CVE-2019-9512 ff.).

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::wire::{Wire, within};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A field that is not indexed (RFC 7541 §6.2.2), its name of the static table or spelled out.
fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, u8::try_from(name.len()).unwrap()];
    bytes.extend(name);
    bytes.push(u8::try_from(value.len()).unwrap());
    bytes.extend(value);
    bytes
}

/// `GET`, `http`, and these.
fn head(path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = vec![0x82, 0x86];
    bytes.extend(field(b":path", path.as_bytes()));
    for (name, value) in fields {
        bytes.extend(field(name.as_bytes(), value.as_bytes()));
    }
    bytes
}

const AUTHORITY: (&str, &str) = (":authority", "go.example");

async fn open(wire: &Wire) -> TcpStream {
    let mut stream = wire.connect().await;
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    stream
}

/// The next frame: its kind, flags, stream and payload; `None` at the end.
async fn next(stream: &mut TcpStream) -> Option<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    within(stream.read_exact(&mut head)).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut payload = vec![0; length];
    within(stream.read_exact(&mut payload)).await.ok()?;
    Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
}

/// The error code of the `GOAWAY` that ends the connection; `None` if it ends without one.
async fn farewell(stream: &mut TcpStream) -> Option<u32> {
    let mut code = None;
    while let Some((kind, _, _, payload)) = next(stream).await {
        if kind == GOAWAY {
            code = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
    }
    code
}

/// The body of the answer on a stream.
async fn body(stream: &mut TcpStream, of: u32) -> String {
    let mut body = Vec::new();
    loop {
        let (kind, flags, id, payload) = next(stream).await.expect("an answer");
        if id == of && kind == DATA {
            body.extend(payload);
        }
        if id == of && flags & END_STREAM != 0 && matches!(kind, DATA | HEADERS) {
            return String::from_utf8(body).unwrap();
        }
    }
}

const ENHANCE_YOUR_CALM: u32 = 0xb;

#[tokio::test]
async fn a_rapid_reset_is_told_to_calm_down() {
    let wire = Wire::start().await;
    let mut stream = open(&wire).await;
    let head = head("/livez", &[AUTHORITY]);
    let mut flood = Vec::new();
    for id in (1..4_000).step_by(2) {
        flood.extend(frame(HEADERS, END_HEADERS | END_STREAM, id, &head));
        flood.extend(frame(RST_STREAM, 0, id, &8u32.to_be_bytes()));
    }
    let _ = stream.write_all(&flood).await;
    assert_eq!(farewell(&mut stream).await, Some(ENHANCE_YOUR_CALM));
    wire.is_well().await;
}

#[tokio::test]
async fn a_head_without_end_is_cut() {
    let wire = Wire::start().await;
    let mut stream = open(&wire).await;
    let mut flood = frame(HEADERS, 0, 1, &head("/livez", &[AUTHORITY]));
    let part: Vec<u8> = (0..100).flat_map(|_| field(b"x", &[b'v'; 100])).collect();
    for _ in 0..400 {
        flood.extend(frame(CONTINUATION, 0, 1, &part));
    }
    // Four mebibytes of one head: given up on at once, and not by the time that a head has.
    let over = async {
        let _ = stream.write_all(&flood).await;
        farewell(&mut stream).await
    };
    tokio::time::timeout(Duration::from_secs(5), over).await.expect("it is cut");
    wire.is_well().await;
}

#[tokio::test]
async fn pings_and_settings_by_the_thousand_leave_the_connection_and_others_served() {
    let wire = Wire::start().await;
    let mut stream = open(&wire).await;
    let (mut reader, mut writer) = stream.split();
    let mut flood = Vec::new();
    for n in 0..20_000_u64 {
        flood.extend(frame(PING, 0, 0, &n.to_be_bytes()));
        flood.extend(frame(SETTINGS, 0, 0, &[]));
    }
    let send = writer.write_all(&flood);
    let mut drained = vec![0; 1 << 20];
    let mut received = 0;
    let receive = async {
        // Each ping is answered by 17 bytes, each setting by 9; or the server has had enough.
        while received < 20_000 * 17 {
            match tokio::time::timeout(Duration::from_secs(20), reader.read(&mut drained)).await {
                Ok(Ok(read)) if read > 0 => received += read,
                _ => break,
            }
        }
    };
    let (_, ()) = tokio::join!(send, receive);
    wire.is_well().await;
}

#[tokio::test]
async fn a_peer_that_reads_nothing_holds_nobody_up() {
    let wire = Wire::start().await;
    let mut stream = open(&wire).await;
    let mut flood = Vec::new();
    for n in 0..20_000_u64 {
        flood.extend(frame(PING, 0, 0, &n.to_be_bytes()));
    }
    // The server stops reading once its answers are not taken, so not all of it goes out.
    let _ = tokio::time::timeout(Duration::from_millis(200), stream.write_all(&flood)).await;
    wire.is_well().await;
}

#[tokio::test]
async fn two_hosts_or_none_are_400_in_the_one_shape() {
    let wire = Wire::start().await;
    for (fields, code) in [
        (&[AUTHORITY][..], ""),
        (&[AUTHORITY, ("host", "go.example")], ""),
        (&[AUTHORITY, ("host", "evil.example")], "MALFORMED_REQUEST"),
        (&[AUTHORITY, ("host", "go.example"), ("host", "go.example")], "MALFORMED_REQUEST"),
        (&[], "MALFORMED_REQUEST"),
    ] {
        for path in ["/livez", "/v1/nothing", "/no-such-link"] {
            let mut stream = open(&wire).await;
            let head = frame(HEADERS, END_HEADERS | END_STREAM, 1, &head(path, fields));
            stream.write_all(&head).await.unwrap();
            let body = body(&mut stream, 1).await;
            assert_eq!(body.contains("MALFORMED_REQUEST"), !code.is_empty(), "{path} {fields:?}: {body}");
        }
    }
    wire.has_logged("Host and :authority are not the same").await;
}

#[tokio::test]
async fn fields_of_http1_and_doubled_pseudo_fields_never_reach_a_route() {
    let wire = Wire::start().await;
    for fields in [
        &[AUTHORITY, ("transfer-encoding", "chunked")][..],
        &[AUTHORITY, ("connection", "keep-alive")],
        &[AUTHORITY, AUTHORITY],
        &[AUTHORITY, (":method", "DELETE")],
        &[AUTHORITY, ("x", "y"), (":scheme", "http")],
        &[AUTHORITY, ("X-Upper", "y")],
        &[AUTHORITY, ("x", "a\r\nb: c")],
        &[AUTHORITY, ("content-length", "1")],
    ] {
        let mut stream = open(&wire).await;
        let bytes = frame(HEADERS, END_HEADERS | END_STREAM, 1, &head("/livez", fields));
        stream.write_all(&bytes).await.unwrap();
        // A reset of the stream, a farewell, or 400: never an answer of the route.
        let mut answered = Vec::new();
        while let Some((kind, _, _, payload)) = next(&mut stream).await {
            match kind {
                RST_STREAM | GOAWAY => break,
                DATA => {
                    answered = payload;
                    break;
                }
                _ => {}
            }
        }
        let text = String::from_utf8_lossy(&answered).into_owned();
        assert!(!text.contains("\"status\""), "{fields:?}: {text}");
    }
    wire.is_well().await;
}
