//! A reader of events that follows the log through one node, by its cursor, through everything.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::http::{Answer, Api};

/// Between two looks at the end of the log.
const PAUSE: Duration = Duration::from_millis(50);

/// Events of links, as opposed to those of clicks.
const PAGE: &str = "/v1/events?limit=100&types=link.created,link.updated,link.deleted";

/// One event of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Its id.
    pub(super) id: String,
    /// Its type.
    pub(super) kind: String,
    /// The link.
    pub(super) subject: String,
    /// The version of the link in it.
    pub(super) version: u64,
}

/// What a reader has seen of one log, in the order of the log.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    /// Its events.
    pub(super) events: Vec<Event>,
    /// When the reader was told that this log is gone, if it was.
    pub(super) reset: Option<Instant>,
}

/// A reader at work; it ends when this is dropped.
pub(super) struct Tail {
    // One more after each reset.
    logs: Arc<Mutex<Vec<Log>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tail {
    /// Starts to read through this node, from the oldest event on.
    pub(super) fn start(api: Api) -> Self {
        let (logs, stop) = (Arc::new(Mutex::new(vec![Log::default()])), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (logs, stop) = (logs.clone(), stop.clone());
            move || follow(&api, &logs, &stop)
        });
        Self { logs, stop, thread: Some(thread) }
    }

    /// What it has seen until now, log by log.
    pub(super) fn logs(&self) -> Vec<Log> {
        lock(&self.logs).clone()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A reader that panicked has ended too; what it has not seen is missed where it is looked for.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn follow(api: &Api, logs: &Mutex<Vec<Log>>, stop: &AtomicBool) {
    let mut cursor: Option<String> = None;
    while !stop.load(Ordering::Relaxed) {
        match read(api, PAGE, cursor.as_deref()) {
            Ok(Page::Events { events, next, more }) => {
                lock(logs).last_mut().expect("there is always one").events.extend(events);
                cursor = Some(next);
                if more {
                    continue;
                }
            }
            Ok(Page::Reset) => {
                let mut logs = lock(logs);
                logs.last_mut().expect("there is always one").reset = Some(Instant::now());
                logs.push(Log::default());
                cursor = None;
                continue;
            }
            // The node is away, or what it asks is: the same cursor again.
            Err(_) => {}
        }
        thread::sleep(PAUSE);
    }
}

/// The whole log, from the oldest event kept.
///
/// # Errors
///
/// When a page cannot be read.
pub(super) fn read_all(api: &Api) -> io::Result<Vec<Event>> {
    read_to_end(api, PAGE)
}

/// Those events of the log that are about this link.
///
/// # Errors
///
/// When a page cannot be read.
pub(super) fn read_about(api: &Api, subject: &str) -> io::Result<Vec<Event>> {
    read_to_end(api, &format!("{PAGE}&subject={subject}"))
}

fn read_to_end(api: &Api, path: &str) -> io::Result<Vec<Event>> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        match read(api, path, cursor.as_deref())? {
            Page::Events { events, next, more } => {
                all.extend(events);
                if !more {
                    return Ok(all);
                }
                cursor = Some(next);
            }
            Page::Reset => return Err(io::Error::other("the log went while it was read")),
        }
    }
}

enum Page {
    Events {
        events: Vec<Event>,
        next: String,
        more: bool,
    },
    /// What the cursor points at is not kept any more, and the reader is told so.
    Reset,
}

fn read(api: &Api, path: &str, cursor: Option<&str>) -> io::Result<Page> {
    let path = cursor.map_or_else(|| path.to_owned(), |cursor| format!("{path}&cursor={cursor}"));
    let answer = api.get(&path)?;
    if answer.status == 400 && answer.json()["error"]["code"] == "INVALID_CURSOR" {
        assert!(cursor.is_some(), "a reader without a cursor has none that is invalid");
        return Ok(Page::Reset);
    }
    let page = Answer::expect(answer, 200)?.json();
    let events = page["data"].as_array().into_iter().flatten().map(event).collect();
    let next = page["next_cursor"].as_str().expect("a list of events always says where to go on").to_owned();
    Ok(Page::Events { events, next, more: page["has_more"] == true })
}

fn event(event: &Value) -> Event {
    let text = |name: &str| event[name].as_str().unwrap_or_else(|| panic!("no {name} in {event}")).to_owned();
    let version = event["data"]["link"]["version"].as_u64().unwrap_or_else(|| panic!("no version in {event}"));
    Event { id: text("id"), kind: text("event"), subject: text("subject"), version }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic under the lock")
}
