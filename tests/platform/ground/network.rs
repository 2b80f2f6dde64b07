//! The proxy: what passes, when, and what does not.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::proxy::{Mode, Proxy};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough that a byte on loopback would have arrived.
const SILENCE: Duration = Duration::from_millis(200);

#[test]
fn a_proxy_passes_both_ways_and_passes_on_the_end() {
    let proxy = Proxy::start(echo()).expect("a proxy");
    let mut stream = connect(&proxy);
    assert_eq!(ask(&mut stream, "a question").expect("an answer"), "a question");
    let long = vec![7; 1_000_000];
    let mut writer = stream.try_clone().expect("a second handle");
    let sent = long.clone();
    let writing = thread::spawn(move || {
        writer.write_all(&sent)?;
        writer.shutdown(std::net::Shutdown::Write)
    });
    let mut received = Vec::new();
    stream.read_to_end(&mut received).expect("everything, and the end");
    writing.join().expect("a writer").expect("a write");
    assert!(received == long, "{} bytes came back", received.len());
}

#[test]
fn a_proxy_delays_each_way() {
    let proxy = Proxy::start(echo()).expect("a proxy");
    let mut stream = connect(&proxy);
    let delay = Duration::from_millis(100);
    proxy.set(Mode::Delay(delay)).expect("a slow network");
    let begun = Instant::now();
    assert_eq!(ask(&mut stream, "slow").expect("an answer"), "slow");
    assert!(begun.elapsed() >= 2 * delay, "{:?}", begun.elapsed());
}

#[test]
fn a_cut_closes_what_is_open_and_refuses_what_is_new() {
    let proxy = Proxy::start(echo()).expect("a proxy");
    let mut open = connect(&proxy);
    ask(&mut open, "before").expect("an answer");
    for _ in 0..3 {
        proxy.set(Mode::Cut).expect("a cut");
        assert!(ask(&mut open, "cut").is_err(), "it was closed");
        let refused = TcpStream::connect(proxy.address()).expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        proxy.heal().expect("a port that was kept");
        assert!(ask(&mut open, "healed").is_err(), "what was closed stays closed");
        open = connect(&proxy);
        assert_eq!(ask(&mut open, "after").expect("an answer"), "after");
    }
}

#[test]
fn a_black_hole_moves_no_byte_until_it_is_healed() {
    let proxy = Proxy::start(echo()).expect("a proxy");
    let mut old = connect(&proxy);
    ask(&mut old, "before").expect("an answer");
    proxy.set(Mode::BlackHole).expect("a black hole");
    let mut new = connect(&proxy);
    for stream in [&mut old, &mut new] {
        stream.write_all(b"lost?").expect("a write that nobody refuses");
        stream.set_read_timeout(Some(SILENCE)).expect("a limit");
        let heard = stream.read_exact(&mut [0]).expect_err("no byte, and no end");
        assert!(matches!(heard.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{heard}");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    }
    proxy.heal().expect("a network");
    for stream in [&mut old, &mut new] {
        assert_eq!(hear(stream, 5).expect("the answer, late"), "lost?");
    }
}

#[test]
fn bytes_run_out_in_the_middle_of_a_message() {
    let proxy = Proxy::start(echo()).expect("a proxy");
    let mut stream = connect(&proxy);
    ask(&mut stream, "before").expect("an answer");
    // Ten there, three back.
    proxy.set(Mode::CutAfter(13)).expect("a short life");
    stream.write_all(b"0123456789").expect("a write");
    let mut received = Vec::new();
    // The end may come as a reset.
    let _ = stream.read_to_end(&mut received);
    assert_eq!(received, b"012");
    assert!(ask(&mut connect(&proxy), "x").is_err(), "nothing is left for others");
    proxy.heal().expect("a network");
    assert_eq!(ask(&mut connect(&proxy), "after").expect("an answer"), "after");
}

#[test]
fn a_proxy_waits_for_its_target_and_ends_with_its_handle() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let proxy = Proxy::start(port.expect("a port that nobody listens on")).expect("a proxy");
    assert!(ask(&mut connect(&proxy), "anybody?").is_err(), "a target that is down hangs up");
    let address = proxy.address();
    let mut held = connect(&proxy);
    drop(proxy);
    assert!(hear(&mut held, 1).is_err(), "it was closed");
    TcpStream::connect(address).expect_err("nobody listens");
}

/// A server that sends back what it gets. Its threads end with the test process.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || io::copy(&mut &stream, &mut &stream));
        }
    });
    address
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream
}

fn ask(stream: &mut TcpStream, question: &str) -> io::Result<String> {
    stream.write_all(question.as_bytes())?;
    hear(stream, question.len())
}

fn hear(stream: &mut TcpStream, length: usize) -> io::Result<String> {
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    String::from_utf8(answer).map_err(io::Error::other)
}
