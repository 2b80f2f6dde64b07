//! Clients that create links under keys, change them and delete them, and do not give up.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::json;

use super::ledger::{Entry, Ledger, Step};
use crate::support::http::{Answer, Api};

/// Clients; each has at most one request under way.
const CLIENTS: usize = 24;

/// Between two steps of a client. The load is meant to meet faults, not to measure speed.
const THOUGHT: Duration = Duration::from_millis(100);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a client goes on trying: through an outage of a minute, and then some.
const PATIENCE: Duration = Duration::from_secs(120);

/// Clients at work, until they are told to stop.
pub(super) struct Writers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Writers {
    /// Starts them; each begins with another node, and changes to the other one when it is refused.
    pub(super) fn start(apis: &[Api; 2], ledger: &Arc<Ledger>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..CLIENTS).map(|client| {
            let (apis, ledger, stop) = (apis.clone(), ledger.clone(), stop.clone());
            thread::spawn(move || {
                let mut writer = Writer { apis, node: client % 2, ledger: &ledger };
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    writer.live(&format!("client-{client}-key-{number}"), number);
                }
            })
        });
        Self { threads: threads.collect(), stop }
    }

    /// Lets each finish the link that it is at.
    pub(super) fn finish(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a client that gets its answers");
        }
    }

    /// Whether one of them has given up, which is a failure.
    pub(super) fn has_lost_one(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// One client.
pub(super) struct Writer<'a> {
    /// The nodes that it knows.
    pub(super) apis: [Api; 2],
    /// The one that it asks next.
    pub(super) node: usize,
    /// Where it notes what it is told.
    pub(super) ledger: &'a Ledger,
}

impl Writer<'_> {
    /// One link, from its creation on; some are changed, and some of those deleted.
    fn live(&mut self, key: &str, number: usize) {
        let (mut entry, mut tag) = self.create(key);
        let (edits, deletes) = match number % 4 {
            1 => (3, false),
            2 => (1, true),
            3 => (0, number % 8 == 3),
            _ => (0, false),
        };
        for edit in 1..=edits {
            thread::sleep(THOUGHT);
            tag = self.edit(&mut entry, &tag, edit);
        }
        if deletes {
            thread::sleep(THOUGHT);
            self.delete(&mut entry, &tag);
        }
        self.ledger.enter(entry);
        thread::sleep(THOUGHT);
    }

    /// Creates a link; gives it with its entity tag.
    pub(super) fn create(&mut self, key: &str) -> (Entry, String) {
        let begun = Instant::now();
        let (answer, _) = self.insist(key, 201, |api| create(api, key));
        let link = answer.json();
        let text = |name: &str| link[name].as_str().unwrap_or_else(|| panic!("no {name} in {link}")).to_owned();
        let steps = vec![Step { event: "link.created", version: version(&answer), begun }];
        let (id, path) = (text("id"), format!("/{}", text("slug")));
        let tag = tag(&answer);
        (Entry { key: key.to_owned(), id, path, body: answer.body, steps }, tag)
    }

    fn edit(&mut self, entry: &mut Entry, tag: &str, edit: usize) -> String {
        let begun = Instant::now();
        let key = format!("{}-edit-{edit}", entry.key);
        let path = format!("/v1/links/{}", entry.id);
        let body = json!({ "title": format!("edit {edit}") });
        let headers = [("If-Match", tag), ("Idempotency-Key", &key)];
        let (answer, _) = self.insist(&key, 200, |api| api.send("PATCH", &path, &headers, Some(&body)));
        entry.steps.push(Step { event: "link.updated", version: version(&answer), begun });
        self::tag(&answer)
    }

    /// Deletes have no key: one that was refused, and yet was made, finds nothing left to delete.
    fn delete(&mut self, entry: &mut Entry, tag: &str) {
        let begun = Instant::now();
        let path = format!("/v1/links/{}", entry.id);
        let (answer, refused) = self.insist(&path, 204, |api| {
            let answer = api.send("DELETE", &path, &[("If-Match", tag)], None)?;
            Ok(answer)
        });
        assert!(answer.status == 204 || refused > 0, "{path} was gone before it was deleted");
        let version = entry.steps.last().map_or(0, |step| step.version);
        entry.steps.push(Step { event: "link.deleted", version, begun });
    }

    /// Asks one node and the other until one of them does it; says how often it was refused.
    fn insist(&mut self, what: &str, success: u16, ask: impl Fn(&Api) -> io::Result<Answer>) -> (Answer, u64) {
        let deadline = Instant::now() + PATIENCE;
        let mut refused = 0;
        loop {
            let outcome = ask(&self.apis[self.node]);
            match &outcome {
                Ok(answer) if answer.status == success => return (answer.clone(), refused),
                Ok(answer) if answer.status == 404 && success == 204 => return (answer.clone(), refused),
                // Away, slow, or at it in another request: each says when to come again.
                Ok(answer) if matches!(answer.status, 409 | 503 | 504) => {
                    let told = answer.header("retry-after");
                    assert!(told.is_some() || answer.status == 504, "{what}: {answer:?}");
                }
                Ok(answer) => panic!("{what}: {} {}", answer.status, answer.json()),
                // Cut off, or nobody there: what keys are for.
                Err(_) => {}
            }
            self.ledger.refused(&outcome);
            refused += 1;
            assert!(Instant::now() < deadline, "{what} is refused for {PATIENCE:?}: {outcome:?}");
            self.node = 1 - self.node;
            thread::sleep(PAUSE);
        }
    }
}

/// Creates a link under this key, which it bears in its metadata.
pub(super) fn create(api: &Api, key: &str) -> io::Result<Answer> {
    let body = json!({ "destination": format!("https://example.com/{key}"), "metadata": { "key": key } });
    api.post("/v1/links", &body, Some(key))
}

fn version(answer: &Answer) -> u64 {
    answer.json()["version"].as_u64().unwrap_or_else(|| panic!("no version in {}", answer.json()))
}

fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap_or_else(|| panic!("no ETag: {:?}", answer.headers)).to_owned()
}
