//! The real binary, and the events that it is given.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::support::http::Api;
use crate::support::live::Addresses;
use crate::support::server::{Server, Settings};

/// How long the log may take to have what was committed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a server may take to come to rest. Thousands of heartbeats are no rest, and they do not change its memory.
const REST: Duration = Duration::from_secs(10);

/// A server on an empty store of its own.
pub(super) struct Node {
    pub(super) server: Server,
}

impl Node {
    /// Starts one.
    pub(super) fn start() -> Outcome<Self> {
        // Thousands of clients have one key and one address between them.
        let settings = Settings::default().env("WAYPOST_RATE_LIMIT", "1000000000/1s");
        Ok(Self { server: settings.start()? })
    }

    pub(super) fn addresses(&self) -> Addresses {
        Addresses::new([self.server.address()])
    }

    /// Makes a link, and with it an event; the moment is the one before the request.
    pub(super) fn publish(&self) -> Outcome<Instant> {
        let begun = Instant::now();
        self.server.api().create_link("https://example.com/a-page-of-some-length", None, None)?.expect(201)?;
        Ok(begun)
    }

    /// Makes so many links in one call, each with so much metadata.
    pub(super) fn publish_many(&self, links: usize, filling: usize) -> Outcome<()> {
        publish_many(&self.server.api(), links, filling)
    }

    /// The end of the log, when it has so many events more than `after`.
    pub(super) fn end(&self, after: Option<&str>, events: usize) -> Outcome<String> {
        let deadline = Instant::now() + PATIENCE;
        let (mut seen, mut path) = (0, "/v1/events?limit=100".to_owned());
        if let Some(after) = after {
            path.push_str(&format!("&cursor={after}"));
        }
        loop {
            let page = self.server.api().get(&path)?.expect(200)?.json();
            seen += page["data"].as_array().map_or(0, Vec::len);
            let next = page["next_cursor"].as_str().ok_or("a list of events always says where to go on")?;
            if seen >= events && page["has_more"] != true {
                return Ok(next.to_owned());
            }
            if Instant::now() > deadline {
                return Err(format!("{seen} of {events} events are in the log").into());
            }
            path = format!("/v1/events?limit=100&cursor={next}");
        }
    }

    /// Its resident memory in KiB, once it has come to rest, or 10 s later.
    pub(super) fn memory(&self) -> Outcome<f64> {
        self.server.process().settle(REST)?;
        Ok(self.server.process().rss_bytes()? as f64 / 1024.0)
    }
}

/// As [`Node::publish_many`], from any thread.
pub(super) fn publish_many(api: &Api, links: usize, filling: usize) -> Outcome<()> {
    let item = if filling == 0 {
        json!({ "destination": "https://example.com/a-page-of-some-length" })
    } else {
        json!({ "destination": "https://example.com/a-page", "metadata": { "filling": "x".repeat(filling) } })
    };
    api.post("/v1/links/bulk", &json!({ "items": vec![item; links], "atomic": true }), None)?.expect(201)?;
    Ok(())
}
