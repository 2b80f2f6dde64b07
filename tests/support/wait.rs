//! Waiting for what comes by itself, never longer than told.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::server::Server;

/// How long the clicks of a test may take to be counted, in a debug build on a busy machine.
const DRAIN: Duration = Duration::from_secs(60);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks again and again until there is something to see, and gives that.
///
/// # Errors
///
/// What the look itself failed with, at once; [`io::ErrorKind::TimedOut`], with `what` was waited for, at the limit.
pub fn until<T>(limit: Duration, what: &str, mut look: impl FnMut() -> io::Result<Option<T>>) -> io::Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(seen) = look()? {
            return Ok(seen);
        }
        if Instant::now() > deadline {
            let text = format!("waited {limit:?} for {what}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        thread::sleep(PAUSE);
    }
}

/// Waits until every click of these links is counted, and gives the counts: the server says that its spool is empty, and
/// the counts have stopped changing. Nobody may be following links meanwhile.
pub fn counted(server: &Server, ids: &[String]) -> io::Result<Vec<u64>> {
    let mut last = None;
    until(DRAIN, "the spool to be drained", || {
        // The gauge first: what it says of an empty spool then holds for the counts as well.
        let is_empty = gauge(server, "waypost_spool_bytes")? == Some(0.0);
        let counts = clicks(server, ids)?;
        let is_still = last.replace(counts.clone()) == Some(counts.clone());
        Ok((is_empty && is_still).then_some(counts))
    })
}

/// The counts of these links at this moment.
pub fn clicks(server: &Server, ids: &[String]) -> io::Result<Vec<u64>> {
    let api = server.api();
    let one = |id: &String| {
        let link = api.get(&format!("/v1/links/{id}"))?.expect(200)?.json();
        link["clicks"].as_u64().ok_or_else(|| io::Error::other(format!("no `clicks` in {link}")))
    };
    ids.iter().map(one).collect()
}

/// A figure without labels from `/metrics`; `None` while the server has not told it yet.
pub fn gauge(server: &Server, name: &str) -> io::Result<Option<f64>> {
    let answer = server.api().get("/metrics")?.expect(200)?;
    let text = String::from_utf8_lossy(&answer.body);
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(value.and_then(|value| value.trim().parse().ok()))
}
