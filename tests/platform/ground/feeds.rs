//! Clients of live feeds, at servers that follow a script.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept_hdr};
use waypost::ids::EventId;

use crate::support::live::{Addresses, Fleet, Manner, Record, Start, Transport};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server does with one connection; it gives what it was asked.
type Act = Box<dyn FnOnce(TcpStream) -> Vec<String> + Send>;

/// A server that does one act a connection, and what it was asked.
fn server(acts: Vec<Act>) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("its address");
    let (asked, questions) = channel();
    thread::spawn(move || {
        for act in acts {
            let (stream, _) = listener.accept().expect("a client");
            stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
            // A test that has failed listens no more.
            act(stream).into_iter().for_each(|question| drop(asked.send(question)));
        }
    });
    (address, questions)
}

/// An event as servers write it.
fn event(number: u8) -> String {
    json_event(&EventId::from_bytes([number; 16]).to_string(), &format!("c{number}"))
}

fn json_event(id: &str, cursor: &str) -> String {
    format!(r#"{{"id":"{id}","event":"link.created","data":{{"id":"lnk_{{"}},"cursor":"{cursor}"}}"#)
}

fn block(number: u8) -> String {
    format!("id: c{number}\nevent: link.created\ndata: {}\n\n", event(number))
}

fn ids(numbers: &[u8]) -> Vec<EventId> {
    numbers.iter().map(|number| EventId::from_bytes([*number; 16])).collect()
}

/// Reads a head.
fn head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a whole head");
        read.extend(byte);
    }
    String::from_utf8(read).expect("text")
}

/// A stream with this body, in chunks of seven bytes, that is cut off at its end.
fn streams(body: String) -> Act {
    Box::new(move |mut stream| {
        let asked = head(&mut stream);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunks = body.as_bytes().chunks(7).map(|some| (format!("{:x}\r\n", some.len()), some));
        let chunks = chunks.flat_map(|(size, some)| [size.as_bytes(), some, b"\r\n"].concat());
        stream.write_all(&head.bytes().chain(chunks).collect::<Vec<_>>()).expect("a client that listens");
        vec![asked]
    })
}

/// A socket on which these frames are sent, and then a close.
fn sockets(frames: Vec<String>) -> Act {
    Box::new(move |stream| {
        let mut asked = Vec::new();
        #[expect(clippy::result_large_err, reason = "the library's own error")]
        let upgrade = |request: &Request, mut response: Response| {
            let header = |name: &str| request.headers()[name].to_str().expect("text").to_owned();
            asked.push(format!("{} {}", request.uri().path(), header("authorization")));
            let protocol = request.headers()["sec-websocket-protocol"].clone();
            response.headers_mut().insert("sec-websocket-protocol", protocol);
            Ok(response)
        };
        let mut socket: WebSocket<_> = accept_hdr(stream, upgrade).expect("a socket");
        asked.push(socket.read().expect("a frame").into_text().expect("text").to_string());
        for frame in frames {
            socket.send(Message::text(frame)).expect("a client that listens");
        }
        let away = CloseFrame { code: 1001.into(), reason: "drain".into() };
        socket.close(Some(away)).expect("a client that listens");
        while socket.read().is_ok() {}
        asked
    })
}

/// Answers on one connection, with a length each.
fn answers(answers: Vec<(u16, String)>) -> Act {
    Box::new(move |mut stream| {
        let one = |(status, body): (u16, String)| {
            let asked = head(&mut stream);
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).expect("a client that listens");
            asked
        };
        answers.into_iter().map(one).collect()
    })
}

fn page(numbers: &[u8], next: &str) -> (u16, String) {
    let events: Vec<Value> = numbers.iter().map(|number| event(*number).parse().expect("JSON")).collect();
    (200, json!({ "data": events, "next_cursor": next, "has_more": false }).to_string())
}

/// One client's record once it has so many events in each of its logs.
fn record(manner: &Manner, addresses: impl IntoIterator<Item = SocketAddr>, events: &[usize]) -> Record {
    let fleet = Fleet::start(1, manner, &Addresses::new(addresses)).expect("a client");
    let lengths = |record: &Record| record.logs.iter().map(Vec::len).collect::<Vec<_>>();
    fleet.all(PATIENCE, "its events", |record| lengths(record) == events).expect("all events");
    fleet.records().remove(0)
}

fn next(questions: &Receiver<String>) -> String {
    questions.recv_timeout(PATIENCE).expect("a question")
}

#[test]
fn a_stream_goes_on_at_the_next_address_after_its_last_whole_block() {
    let cut = block(2);
    let (left, at_left) = server(vec![streams(format!(": ok\nretry: 9\n\n{}{}", block(1), &cut[..cut.len() - 1]))]);
    let (right, at_right) = server(vec![streams(format!("{cut}{}", block(3)))]);
    let record = record(&Manner::new(Transport::Sse, "key"), [left, right], &[3]);
    assert_eq!(record.logs, [ids(&[1, 2, 3])]);
    let first = next(&at_left);
    assert!(first.starts_with("GET /v1/events/stream?from=start HTTP/1.1\r\n"), "{first}");
    assert!(first.contains("Authorization: Bearer key\r\n") && !first.contains("Last-Event-ID"), "{first}");
    let second = next(&at_right);
    assert!(second.starts_with("GET /v1/events/stream HTTP/1.1\r\n"), "{second}");
    assert!(second.contains("Last-Event-ID: c1\r\n"), "{second}");
}

#[test]
fn a_stream_that_is_reset_begins_another_log_and_goes_on_from_there() {
    let reset = "event: reset\nid: c0\ndata: {}\n\n";
    let (address, questions) =
        server(vec![streams(format!("{}{reset}", block(1))), streams(format!("{}{}", block(1), block(2)))]);
    let manner = Manner { types: "link.created".to_owned(), start: Start::Now, ..Manner::new(Transport::Sse, "key") };
    let record = record(&manner, [address], &[1, 2]);
    assert_eq!(record.logs, [ids(&[1]), ids(&[1, 2])]);
    assert_eq!(record.resets(), 1);
    assert!(next(&questions).starts_with("GET /v1/events/stream?types=link.created HTTP"));
    assert!(next(&questions).contains("Last-Event-ID: c0\r\n"));
}

#[test]
fn a_socket_goes_on_after_its_last_event() {
    let frame = |number| format!(r#"{{"type":"event","id":"feed","event":{}}}"#, event(number));
    // Another order of fields means the same.
    let other = format!(r#"{{"id":"feed","event":{},"type":"event"}}"#, event(2));
    let told = |kind: &str| json!({ "type": kind, "id": "feed", "cursor": "c0", "reconnect_after_ms": 5 }).to_string();
    let first = vec![told("subscribed"), frame(1), other, told("closing")];
    let (address, questions) = server(vec![
        sockets(first),
        sockets(vec![told("subscribed"), told("reset")]),
        sockets(vec![told("subscribed"), frame(1)]),
    ]);
    let record = record(&Manner::new(Transport::WebSocket, "key"), [address], &[2, 1]);
    assert_eq!((&record.logs[..], record.opened), (&[ids(&[1, 2]), ids(&[1])][..], 3));
    assert_eq!(record.words["closing"], 1);
    let asked: Vec<_> = (0..6).map(|_| next(&questions)).collect();
    assert_eq!(asked[0], "/v1/events/socket Bearer key");
    let wanted = |place: usize| -> Value { asked[place].parse().expect("JSON") };
    assert_eq!(wanted(1), json!({ "type": "subscribe", "id": "feed", "from": "start" }));
    assert_eq!(wanted(3), json!({ "type": "subscribe", "id": "feed", "cursor": "c2" }));
    assert_eq!(wanted(5), json!({ "type": "subscribe", "id": "feed", "cursor": "c0" }));
}

#[test]
fn a_poll_goes_on_by_its_cursor_and_begins_anew_where_it_is_gone() {
    let gone = (400, json!({ "error": { "code": "INVALID_CURSOR" } }).to_string());
    let (address, questions) = server(vec![
        answers(vec![page(&[1, 2], "n1"), page(&[], "n1"), gone, page(&[1], "n2")]),
        answers(vec![(503, String::new())]),
        answers(vec![page(&[2, 3], "n3")]),
    ]);
    let record = record(&Manner::new(Transport::LongPoll, "key"), [address], &[2, 3]);
    assert_eq!(record.logs, [ids(&[1, 2]), ids(&[1, 2, 3])]);
    let cursors: Vec<_> = (0..6).map(|_| next(&questions)).collect();
    let cursors = cursors.iter().map(|asked| {
        assert!(asked.starts_with("GET /v1/events?limit=100&wait="), "{asked}");
        asked.split_whitespace().nth(1).and_then(|path| path.split_once("cursor=")).map_or("", |(_, cursor)| cursor)
    });
    assert_eq!(cursors.collect::<Vec<_>>(), ["", "n1", "n1", "", "n2", "n2"]);
}

#[test]
fn a_client_takes_its_cursor_from_transport_to_transport() {
    let frame = format!(r#"{{"type":"event","id":"feed","event":{}}}"#, event(2));
    let subscribed = json!({ "type": "subscribed", "id": "feed" }).to_string();
    let (address, questions) = server(vec![
        streams(block(1)),
        sockets(vec![subscribed, frame]),
        answers(vec![page(&[3], "c3")]),
        streams(block(4)),
    ]);
    let manner = Manner { transports: Transport::ALL.to_vec(), ..Manner::new(Transport::Sse, "key") };
    let record = record(&manner, [address], &[4]);
    assert_eq!(record.logs, [ids(&[1, 2, 3, 4])]);
    let asked: Vec<_> = (0..5).map(|_| next(&questions)).collect();
    assert!(asked[2].contains(r#""cursor":"c1""#), "{}", asked[2]);
    assert!(asked[3].contains("cursor=c2"), "{}", asked[3]);
    assert!(asked[4].contains("Last-Event-ID: c3"), "{}", asked[4]);
}
