//! Links made and changed through both nodes, whatever happens to them meanwhile.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::http::{Answer, Api};

/// Links made in a call: small enough that a strike falls between calls, and into one.
const AT_ONCE: usize = 50;

/// Of those, how many are changed through the other node: each is an event more.
const CHANGED: usize = 5;

/// Between two attempts of a call that failed.
const PAUSE: Duration = Duration::from_millis(50);

/// Who publishes events.
pub(super) struct Writers {
    apis: [Api; 2],
    published: Published,
}

/// How much has been published, for sure.
#[derive(Default)]
pub(super) struct Published {
    now: AtomicUsize,
    before: AtomicUsize,
}

impl Published {
    /// Events of the round that is under way.
    pub(super) fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }
}

impl Writers {
    pub(super) fn new(apis: [Api; 2]) -> Self {
        Self { apis, published: Published::default() }
    }

    /// Events of all rounds.
    pub(super) fn published(&self) -> usize {
        self.published.before.load(Ordering::Relaxed)
    }

    /// Publishes at least so many events, half through each node, while `meanwhile` does what it does.
    ///
    /// A call that fails is repeated through the other node until it succeeds: it is known to have happened, once.
    pub(super) fn publish(
        &self,
        events: usize,
        patience: Duration,
        meanwhile: impl FnOnce(&Published) -> io::Result<()>,
    ) {
        self.published.now.store(0, Ordering::Relaxed);
        let deadline = Instant::now() + patience;
        thread::scope(|scope| {
            let writers: Vec<_> =
                (0..2).map(|node| scope.spawn(move || self.write(node, events / 2, deadline))).collect();
            meanwhile(&self.published).expect("what happens meanwhile");
            for writer in writers {
                writer.join().expect("no panic").expect("calls that succeed in the end");
            }
        });
        self.published.before.fetch_add(self.published.now(), Ordering::Relaxed);
    }

    fn write(&self, node: usize, events: usize, deadline: Instant) -> io::Result<()> {
        let mut written = 0;
        while written < events {
            // No two calls of a test are one.
            let total = self.published() + written;
            let key = format!("round-{total}-of-{node}");
            let items: Vec<_> = (0..AT_ONCE)
                .map(|number| json!({ "destination": format!("https://example.com/{key}/{number}") }))
                .collect();
            let body = json!({ "items": items });
            let made = self.call(node, deadline, |api| api.post("/v1/links/bulk", &body, Some(&key)), 207)?.json();
            let results = made["results"].as_array().map(Vec::as_slice).unwrap_or_default();
            let links = results.iter().filter_map(|result| result["link"]["id"].as_str());
            let links: Vec<_> = links.collect();
            if links.len() != AT_ONCE {
                return Err(io::Error::other(format!("{} of {AT_ONCE} links were made: {made}", links.len())));
            }
            self.published.now.fetch_add(AT_ONCE, Ordering::Relaxed);
            for link in links.iter().take(CHANGED) {
                let (path, change) = (format!("/v1/links/{link}"), json!({ "title": key }));
                self.call(1 - node, deadline, |api| api.patch(&path, &change), 200)?;
                self.published.now.fetch_add(1, Ordering::Relaxed);
            }
            written += AT_ONCE + CHANGED;
        }
        Ok(())
    }

    /// Repeats a call, through one node and the other in turn, until it is answered so.
    fn call(
        &self,
        node: usize,
        deadline: Instant,
        call: impl Fn(&Api) -> io::Result<Answer>,
        status: u16,
    ) -> io::Result<Answer> {
        let mut attempt = 0;
        loop {
            let answer = call(&self.apis[(node + attempt) % 2]).and_then(|answer| answer.expect(status));
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => attempt += 1,
            }
            thread::sleep(PAUSE);
        }
    }
}
