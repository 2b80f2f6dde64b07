//! The load generator's own rules: what it reports is what happened.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::load::Load;

const REDIRECT: &[u8] = b"HTTP/1.1 302 Found\r\nlocation: https://example.org/\r\ncontent-length: 0\r\n\r\n";

/// What the server does with a request.
enum Reply {
    Bytes(&'static [u8]),
    /// Sends this and hangs up.
    Last(&'static [u8]),
}

/// Serves keep-alive connections by a function from a request's number, counted from 1, to the reply. Gives the address
/// and every request read to its end.
fn serve(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (requests, reply) = (Arc::clone(&seen), Arc::new(reply));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (requests, reply) = (Arc::clone(&requests), Arc::clone(&reply));
            thread::spawn(move || {
                // Else Nagle's algorithm holds the second piece back until the first is acknowledged, 40 ms later.
                stream.set_nodelay(true).expect("a live socket");
                let (mut stream, mut buffer, mut filled) = (stream, [0; 4096], 0);
                while let Ok(count @ 1..) = stream.read(&mut buffer[filled..]) {
                    filled += count;
                    if !buffer[..filled].ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    let request = String::from_utf8_lossy(&buffer[..filled]).into_owned();
                    filled = 0;
                    let number = {
                        let mut requests = requests.lock().expect("no panic under the lock");
                        requests.push(request);
                        requests.len()
                    };
                    let (bytes, is_last) = match reply(number) {
                        Reply::Bytes(bytes) => (bytes, false),
                        Reply::Last(bytes) => (bytes, true),
                    };
                    // In two pieces, as a network may deliver it.
                    let (first, second) = bytes.split_at(bytes.len() / 2);
                    if stream.write_all(first).and_then(|()| stream.write_all(second)).is_err() || is_last {
                        return;
                    }
                }
            });
        }
    });
    (address, seen)
}

#[test]
fn count_is_exact_and_paths_take_turns() {
    let (address, seen) = serve(|_| Reply::Bytes(REDIRECT));
    let report = Load::new(address, ["/a", "/b", "/c"])
        .connections(3)
        .threads(2)
        .header("User-Agent", "probe")
        .for_count(300)
        .run()
        .expect("the server is up");
    assert_eq!((report.answered, report.unanswered, report.unsent), (300, 0, 0));
    assert_eq!(report.statuses, [(302, 300)].into());
    let seen = seen.lock().expect("no panic under the lock");
    assert_eq!(seen.len(), 300);
    assert!(seen.iter().all(|request| request.contains("\r\nUser-Agent: probe\r\n")));
    for tally in &report.paths {
        let served = seen.iter().filter(|request| request.starts_with(&format!("GET {} ", tally.path))).count();
        assert_eq!(tally.redirected, served as u64);
        assert!(served > 50, "{} was hardly asked for: {served}", tally.path);
    }
}

#[test]
fn marks_tell_answered_from_unanswered() {
    // Each connection is answered until the server has seen 200 requests; from then on it hangs up unanswered.
    let (address, seen) = serve(|number| if number <= 200 { Reply::Bytes(REDIRECT) } else { Reply::Last(b"") });
    let report =
        Load::new(address, ["/a"]).connections(8).mark("Referer", "https://example.org/run-1/").run().expect("up");
    assert_eq!((report.answered, report.unanswered), (200, 8));
    assert_eq!(report.paths[0].unanswered, 8);
    let seen = seen.lock().expect("no panic under the lock");
    let referers: Vec<&str> =
        seen.iter().filter_map(|request| request.lines().find_map(|line| line.strip_prefix("Referer: "))).collect();
    let of_server: HashMap<&str, bool> =
        referers.iter().enumerate().map(|(index, mark)| (*mark, index < 200)).collect();
    assert_eq!(of_server.len(), 208, "every mark is different");
    let answered: HashSet<String> = report.marks_answered().collect();
    let unanswered: HashSet<String> = report.marks_unanswered().collect();
    assert_eq!((answered.len(), unanswered.len()), (200, 8));
    assert!(answered.iter().all(|mark| of_server.get(mark.as_str()) == Some(&true)));
    assert!(unanswered.iter().all(|mark| of_server.get(mark.as_str()) == Some(&false)));
}

#[test]
fn refusals_are_not_redirects() {
    let busy: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";
    let (address, _) = serve(move |number| Reply::Bytes(if number.is_multiple_of(2) { busy } else { REDIRECT }));
    let report = Load::new(address, ["/a"]).connections(1).mark("Referer", "r").for_count(10).run().expect("up");
    assert_eq!(report.statuses, [(302, 5), (503, 5)].into());
    assert_eq!((report.paths[0].redirected, report.paths[0].refused), (5, 5));
    assert_eq!(report.marks_answered().count(), 5);
}

#[test]
fn half_an_answer_is_no_answer() {
    for cut in ["HTTP/1.1 302 Found\r\ncontent-le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour"] {
        let (address, _) = serve(move |_| Reply::Last(cut.as_bytes()));
        let report = Load::new(address, ["/a"]).connections(1).run().expect("up");
        assert_eq!((report.answered, report.unanswered), (0, 1), "{cut:?}");
    }
}

#[test]
fn answers_of_unknown_length_are_refused() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "SSH-2.0-x\r\n\r\n",
    ] {
        let (address, _) = serve(move |_| Reply::Bytes(head.as_bytes()));
        let report = Load::new(address, ["/a"]).connections(1).for_count(1).run().expect("up");
        assert_eq!((report.answered, report.unanswered, report.faults.len()), (0, 1, 1), "{head:?}");
    }
}

#[test]
fn open_loop_charges_a_stall_to_everyone_who_would_have_come() {
    // One stall of 300 ms in a second on the only connection: a closed loop would report one slow request.
    let (address, _) = serve(|number| {
        if number == 300 {
            thread::sleep(Duration::from_millis(300));
        }
        Reply::Bytes(REDIRECT)
    });
    let report =
        Load::new(address, ["/a"]).connections(1).at_rate(1_000).for_time(Duration::from_secs(1)).run().expect("up");
    assert_eq!((report.answered, report.missed), (1_000, 0));
    assert!(report.latency.p90() > Duration::from_millis(150), "{:?}", report.latency.p90());
    assert!(report.elapsed > Duration::from_millis(900), "{:?}", report.elapsed);
}

#[test]
fn silent_server_does_not_hold_the_load_for_ever() {
    let (address, _) = serve(|_| Reply::Bytes(b""));
    let report = Load::new(address, ["/a"]).connections(2).for_time(Duration::from_millis(50)).run().expect("up");
    assert_eq!((report.answered, report.unanswered, report.faults.len()), (0, 2, 1));
}

#[test]
fn closing_server_is_connected_to_again() {
    let closing = b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let (address, _) = serve(|_| Reply::Last(closing));
    let report = Load::new(address, ["/a"]).connections(2).for_count(20).run().expect("up");
    assert_eq!((report.answered, report.unanswered, report.unsent), (20, 0, 0));
}

#[test]
fn load_ends_when_told_to() {
    let (address, _) = serve(|_| Reply::Bytes(REDIRECT));
    let begun = Instant::now();
    let running = Load::new(address, ["/a"]).connections(4).start().expect("up");
    assert!(running.wait_for(100) >= 100);
    running.stop();
    let report = running.join().expect("up");
    assert!(report.answered >= 100 && report.unanswered == 0);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn line_break_in_a_header_is_refused() {
    let (address, _) = serve(|_| Reply::Last(b""));
    assert!(Load::new(address, ["/a"]).header("X", "a\r\n\r\nGET /b HTTP/1.1").start().is_err());
    assert!(Load::new(address, ["/a b"]).start().is_err());
    assert!(Load::new(address, Vec::<String>::new()).start().is_err());
}
