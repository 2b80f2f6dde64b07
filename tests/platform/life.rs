//! From the start of the server to its end.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::support::command::waypost;
use crate::support::server::{ADMIN_KEY, Server};
use crate::support::wait::until;

/// Longer than any wait of the server's own.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn it_is_ready_within_a_second_with_a_thousand_links_in_place() {
    let mut server = Server::start().expect("a server on an empty store");
    println!("ready after {:?} on an empty store", server.start_up());
    assert!(server.terminate().expect("a server that ends").success());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/debian-1000.csv");
    let file = file.to_str().expect("a path in UTF-8");
    let import = || waypost(server.data_dir(), &["import", file], PATIENCE).and_then(|done| done.success());
    let first = import().expect("an import");
    let second = import().expect("an import again");
    server.restart().expect("a server that starts again");
    println!("ready after {:?} with 1,000 links", server.start_up());
    assert!(server.start_up() < Duration::from_secs(1), "{:?}", server.start_up());

    let api = server.api();
    let (mut links, mut next) = (0, String::new());
    loop {
        let page = api.get(&format!("/v1/links?limit=100{next}")).and_then(|page| page.expect(200));
        let page = page.expect("a page").json();
        links += page["data"].as_array().map_or(0, Vec::len);
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(links, 1_000, "first: {}, second: {}", first.stderr, second.stderr);
    let follow = api.send("GET", "/0ad", &[], None).and_then(|answer| answer.expect(302)).expect("a redirect");
    assert_eq!(follow.header("location"), Some("https://play0ad.com/"));
}

#[test]
fn sigterm_lets_requests_end_and_exits_with_zero() {
    let mut server = Server::start().expect("a server on an empty store");
    let half = HalfSent::begin(server.address()).expect("a request under way");
    server.process().ask_to_end().expect("a signal");
    refused(server.address());
    let answer = half.finish().expect("an answer to what was under way");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let status = server.process_mut().await_end(PATIENCE).expect("a server that ends");
    assert_eq!(status.code(), Some(0), "{}", server.process().output());

    server.restart().expect("a server that starts again");
    let links = server.api().get("/v1/links").and_then(|answer| answer.expect(200)).expect("a page").json();
    assert_eq!(links["data"][0]["slug"], "under-way", "what was answered is there");
}

#[test]
fn idle_connections_do_not_hold_a_stop_back() {
    let mut server = Server::start().expect("a server on an empty store");
    let idle = TcpStream::connect(server.address()).expect("a connection");
    let mut used = BufReader::new(TcpStream::connect(server.address()).expect("a connection"));
    used.get_mut().write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    let mut line = String::new();
    used.read_line(&mut line).expect("an answer");
    assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
    server.process().ask_to_end().expect("a signal");
    // Far less than the grace of 30 s, and time enough for a machine with other things to do.
    let status = server.process_mut().await_end(Duration::from_secs(10)).expect("a server that ends");
    assert_eq!(status.code(), Some(0));
    drop((idle, used));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Server::start().expect("a server on an empty store");
    let half = HalfSent::begin(server.address()).expect("a request under way");
    server.process().ask_to_end().expect("a signal");
    refused(server.address());
    assert!(server.process_mut().is_running(), "it waits for the request");
    server.process().ask_to_end().expect("a second signal");
    let status = server.process_mut().await_end(Duration::from_secs(10)).expect("a server that ends");
    assert_eq!(status.code(), Some(143), "as a shell tells an end by SIGTERM");
    assert!(half.finish().is_err(), "nobody is left to answer");
}

/// Waits until nothing new is accepted.
fn refused(address: SocketAddr) {
    let what = "the server to accept nothing more";
    until(PATIENCE, what, || Ok(TcpStream::connect(address).is_err().then_some(()))).expect("a listener that closes");
}

/// A create whose head and half of whose body have been sent.
struct HalfSent {
    stream: TcpStream,
    rest: &'static str,
}

impl HalfSent {
    /// Sends the first half, and returns once the server has asked for the body and so has the request in its hands.
    fn begin(address: SocketAddr) -> io::Result<Self> {
        let (first, rest) = (r#"{"destination": "https://example.com/", "#, r#""slug": "under-way"}"#);
        let mut head = format!("POST /v1/links HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {ADMIN_KEY}\r\n");
        write!(head, "Content-Type: application/json\r\nContent-Length: {}\r\n", first.len() + rest.len())
            .map_err(io::Error::other)?;
        head.push_str("Expect: 100-continue\r\nConnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(head.as_bytes())?;
        let mut interim = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut interim)?;
        if !interim.starts_with(b"HTTP/1.1 100 ") {
            return Err(io::Error::other(String::from_utf8_lossy(&interim).into_owned()));
        }
        stream.write_all(first.as_bytes())?;
        Ok(Self { stream, rest })
    }

    /// Sends the rest, and gives the answer.
    fn finish(mut self) -> io::Result<String> {
        self.stream.write_all(self.rest.as_bytes())?;
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer)?;
        if answer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(answer)
    }
}
