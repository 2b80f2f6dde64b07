//! Ports of 127.0.0.1 that a server can keep while it is down.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

/// Below what systems hand to clients (Linux from 32768 on, others from 49152).
///
/// A port from there, as binding to port 0 gives, can be lost while its server is down: to any client as its own end of
/// a connection, or to one that knocks at it and, by chance, from it, and so meets itself.
const PORTS: Range<u16> = 20_000..32_000;

/// A port that nobody listens on, at this moment.
///
/// # Errors
///
/// When a thousand guesses fail.
pub fn free() -> io::Result<u16> {
    // Seeded by the system anew for each.
    let guess = |_| PORTS.start + (RandomState::new().hash_one(()) % PORTS.len() as u64) as u16;
    let mut guesses = (0..1_000).map(guess);
    let found = guesses.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    found.ok_or_else(|| io::Error::other(format!("no free port in {PORTS:?}")))
}
