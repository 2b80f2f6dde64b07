//! What must hold after a fault, whichever it was.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::ledger::Entry;
use super::nodes::Cluster;
use super::tail::{Event, Tail, read_all};
use super::writers::create;
use crate::support::http::Api;
use crate::support::wait::until;

/// How long the last events may take to get through.
const PATIENCE: Duration = Duration::from_secs(30);

/// Clients that ask for replays.
const REPLAYS: usize = 4;

/// Each key made one link, which is as its client left it, and replays the same answer at either node.
pub(super) fn links(cluster: &Cluster, entries: &[Entry]) {
    let apis = cluster.apis();
    let mut found: HashMap<String, (String, u64)> = HashMap::new();
    for link in all(&apis[0], "/v1/links?limit=100").expect("pages of links") {
        let key = text(&link["metadata"]["key"]);
        let link = (text(&link["id"]), link["version"].as_u64().expect("a version"));
        let twice = found.insert(key.clone(), link);
        assert_eq!(twice, None, "two links of {key}");
    }
    for entry in entries {
        let link = found.remove(&entry.key);
        let version = entry.steps.last().map_or(0, |step| step.version);
        let expected = entry.is_there().then(|| (entry.id.clone(), version));
        assert_eq!(link, expected, "what is left of {}, which went through {:?}", entry.key, entry.steps);
    }
    assert!(found.is_empty(), "links that nobody was told of: {found:?}");

    thread::scope(|scope| {
        for part in entries.chunks(entries.len().div_ceil(REPLAYS).max(1)) {
            let apis = &apis;
            scope.spawn(move || {
                for (entry, api) in part.iter().zip(apis.iter().cycle()) {
                    let again = create(api, &entry.key).and_then(|answer| answer.expect(201)).expect("a replay");
                    assert_eq!(again.header("idempotent-replayed"), Some("true"), "{}", entry.key);
                    assert!(again.body == entry.body, "another body is replayed for {}", entry.key);
                }
            });
        }
    });
}

/// Every change has its event, once, in the order of its link; nothing else has one; and whoever reads sees the same,
/// after so many resets.
pub(super) fn events(cluster: &Cluster, entries: &[Entry], tails: &[Tail; 2], resets: usize) {
    let expected: usize = entries.iter().map(|entry| entry.steps.len()).sum();
    let log = whole(cluster, tails, |log| log.len() >= expected);
    compare(&log, entries, |steps, seen| steps == seen);
    assert_eq!(log.len(), expected, "an event for each change");
    readers(&log, tails, resets);
    for event in tails.iter().flat_map(Tail::logs).filter(|seen| seen.reset.is_some()) {
        assert!(log.starts_with(&event.events), "a log that was begun anew is another one");
    }
}

/// As [`events`], after the log was lost at that moment: what was asked for later is all there, of what was before only
/// what had not been published; and readers were told.
pub(super) fn events_after(cluster: &Cluster, entries: &[Entry], tails: &[Tail; 2], flushed: Instant) {
    let is_after = |event: &Event, late: &HashSet<(&str, u64, &str)>| {
        late.contains(&(event.subject.as_str(), event.version, event.kind.as_str()))
    };
    let late: HashSet<_> = entries
        .iter()
        .flat_map(|entry| entry.steps.iter().map(move |step| (entry.id.as_str(), step)))
        .filter(|(_, step)| step.begun > flushed)
        .map(|(id, step)| (id, step.version, step.event))
        .collect();
    assert!(!late.is_empty(), "nothing happened after the flush: this has shown nothing");
    let log = whole(cluster, tails, |log| log.iter().filter(|event| is_after(event, &late)).count() >= late.len());
    compare(&log, entries, |steps, seen| steps.ends_with(seen));
    let missing = late.len() - log.iter().filter(|event| is_after(event, &late)).count();
    assert_eq!(missing, 0, "changes after the flush without their event");
    readers(&log, tails, 1);
    for tail in tails {
        compare(&tail.logs()[0].events, entries, |steps, seen| steps.starts_with(seen));
    }
}

/// Who followed the log by a cursor was told of each reset, and has seen all of it since, in its order: no gap, no
/// repetition.
fn readers(log: &[Event], tails: &[Tail; 2], resets: usize) {
    for (node, tail) in tails.iter().enumerate() {
        let seen = tail.logs();
        let told = seen.iter().filter(|log| log.reset.is_some()).count();
        assert_eq!(told, resets, "resets of the reader at node {node}");
        let last = seen.last().map(|log| &log.events[..]).unwrap_or_default();
        assert!(last == log, "the reader at node {node} saw another log: {}", difference(log, last));
    }
}

/// The log, once it is long enough, both nodes show the same, and both readers have got as far.
fn whole(cluster: &Cluster, tails: &[Tail; 2], is_whole: impl Fn(&[Event]) -> bool) -> Vec<Event> {
    let apis = cluster.apis();
    let mut last = 0;
    let read = until(PATIENCE, "the events of all changes", || {
        let [log, same] = [read_all(&apis[0])?, read_all(&apis[1])?];
        last = log.len();
        let caught_up = tails.iter().all(|tail| {
            let seen = tail.logs();
            seen.last().is_some_and(|log| log.events.len() >= last)
        });
        Ok((is_whole(&log) && log == same && caught_up).then_some(log))
    });
    read.unwrap_or_else(|error| {
        let tails = tails.each_ref().map(|tail| tail.logs().iter().map(|log| log.events.len()).collect::<Vec<_>>());
        panic!("{error}; {last} are there, and readers saw {tails:?}")
    })
}

/// Compares, link by link, what is in a log with what its client did.
fn compare(log: &[Event], entries: &[Entry], holds: impl Fn(&[(&str, u64)], &[(&str, u64)]) -> bool) {
    let ids: HashSet<_> = log.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), log.len(), "an event listed twice");
    let mut by_subject: HashMap<&str, Vec<(&str, u64)>> = HashMap::new();
    for event in log {
        by_subject.entry(&event.subject).or_default().push((&event.kind, event.version));
    }
    for entry in entries {
        let seen = by_subject.remove(entry.id.as_str()).unwrap_or_default();
        let steps: Vec<_> = entry.steps.iter().map(|step| (step.event, step.version)).collect();
        assert!(holds(&steps, &seen), "{} went through {steps:?}, and its events are {seen:?}", entry.key);
    }
    assert!(by_subject.is_empty(), "events of what nobody did: {by_subject:?}");
}

fn difference(log: &[Event], seen: &[Event]) -> String {
    let count = |events: &[Event]| {
        let mut counts = BTreeMap::<String, i64>::new();
        events.iter().for_each(|event| *counts.entry(event.id.clone()).or_default() += 1);
        counts
    };
    let (there, here) = (count(log), count(seen));
    let missed = there.keys().filter(|id| !here.contains_key(*id)).count();
    let foreign = here.keys().filter(|id| !there.contains_key(*id)).count();
    let twice = here.values().filter(|count| **count > 1).count();
    format!("{} events, {} seen: {missed} missed, {foreign} that are not there, {twice} twice", log.len(), seen.len())
}

/// Every row of a list that ends.
fn all(api: &Api, path: &str) -> io::Result<Vec<Value>> {
    let (mut rows, mut next) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{path}{next}"))?.expect(200)?.json();
        rows.extend(page["data"].as_array().into_iter().flatten().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return Ok(rows),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
