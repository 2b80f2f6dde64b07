//! `kill -9` while clients create links under idempotency keys: each key makes one link, one event, and one answer.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::dice::Dice;
use crate::support::http::{Answer, Api};
use crate::support::server::Server;
use crate::support::wait::until;

const KILLS: u64 = 10;
const CLIENTS: u64 = 32;
/// Keys that each client uses, at most; kills beyond their end would hit an idle server.
const KEYS: u64 = 60;

/// How long a client goes on trying: through all kills, and then for the lease of a key, 30 s.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn each_key_makes_one_link_and_one_event_through_kills() {
    let mut dice = Dice::new();
    let mut server = Server::start().expect("a server on an empty store");
    let made = AtomicU64::new(0);
    let bodies = Mutex::new(BTreeMap::new());
    let retried = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (api, made, bodies) = (server.api(), &made, &bodies);
                scope.spawn(move || {
                    create_all(&api, client, |key, body| {
                        let mut bodies = bodies.lock().expect("no panic under the lock");
                        bodies.insert(key, body);
                        made.fetch_add(1, Ordering::Relaxed);
                    })
                })
            })
            .collect();
        for kill in 1..=KILLS {
            // Spread over the whole run, and never at its very end.
            let span = CLIENTS * KEYS / (KILLS + 1);
            let enough = (kill - 1) * span + dice.throw(span / 2..span);
            until(PATIENCE, "the clients to get on", || {
                let reached = made.load(Ordering::Relaxed) >= enough;
                Ok((reached || clients.iter().all(|client| client.is_finished())).then_some(()))
            })
            .expect("clients that get on");
            server.restart().expect("a server that is killed and starts again");
        }
        clients.into_iter().map(|client| client.join().expect("a client that ends well")).sum::<u64>()
    });
    let bodies = bodies.into_inner().expect("no panic under the lock");
    assert_eq!(bodies.len() as u64, CLIENTS * KEYS);
    assert!(retried > 0, "no kill met a request: this has shown nothing");

    let api = server.api();
    let mut links: HashMap<String, String> = HashMap::new();
    for link in all(&api, "/v1/links?limit=100", Ended::NoCursor).expect("pages of links") {
        let (key, id) = (text(&link["metadata"]["key"]), text(&link["id"]));
        assert_eq!(links.insert(key.clone(), id), None, "two links of {key}");
    }
    assert_eq!(links.len(), bodies.len(), "a link for each key, and no other");
    for (key, body) in &bodies {
        let link: Value = serde_json::from_slice(body).expect("a link");
        assert_eq!(links.get(key), Some(&text(&link["id"])), "the link that {key} was answered with");
        let again = post(&api, key).and_then(|answer| answer.expect(201)).expect("a replay");
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "{key}");
        assert!(again.body == *body, "another body is replayed for {key}");
    }

    let events = until(PATIENCE, "an event of each link", || {
        let events = all(&api, "/v1/events?limit=100&types=link.created", Ended::NoMore)?;
        Ok((events.len() >= links.len()).then_some(events))
    })
    .expect("events");
    let mut subjects: Vec<String> = events.iter().map(|event| text(&event["subject"])).collect();
    let mut ids: Vec<String> = events.iter().map(|event| text(&event["id"])).collect();
    let mut expected: Vec<String> = links.into_values().collect();
    for list in [&mut subjects, &mut ids, &mut expected] {
        list.sort();
    }
    assert!(subjects == expected, "one `link.created` for each link");
    ids.dedup();
    assert_eq!(ids.len(), expected.len(), "an event listed twice");
    println!("{KILLS} kills: {} keys, {retried} retries", expected.len());
}

fn post(api: &Api, key: &str) -> io::Result<Answer> {
    let body = json!({ "destination": format!("https://example.com/{key}"), "metadata": { "key": key } });
    api.post("/v1/links", &body, Some(key))
}

/// Creates under each of a client's keys until it is answered; says how many retries that took.
///
/// A key that was under way at a kill stays busy until its lease ends: the client comes back to it after its other keys.
fn create_all(api: &Api, client: u64, mut made: impl FnMut(String, Vec<u8>)) -> u64 {
    let mut waiting: VecDeque<String> = (0..KEYS).map(|number| format!("client-{client}-key-{number}")).collect();
    let mut retried = 0;
    let ended = until(PATIENCE, "a client to get all its answers", || {
        while let Some(key) = waiting.pop_front() {
            match post(api, &key) {
                Ok(answer) if answer.status == 201 => {
                    made(key, answer.body);
                    continue;
                }
                // Cut off, or nobody there: exactly what keys are for.
                Err(_) => {}
                Ok(answer) => {
                    let busy = answer.expect(409)?;
                    assert!(busy.header("retry-after").is_some(), "{:?}", busy.headers);
                }
            }
            waiting.push_back(key);
            break;
        }
        retried += 1;
        Ok(waiting.is_empty().then_some(()))
    });
    ended.unwrap_or_else(|error| panic!("client {client}: {error}"));
    retried - 1
}

/// How a list says that it is at its end.
#[derive(Clone, Copy, PartialEq)]
enum Ended {
    /// No cursor: there will be no more.
    NoCursor,
    /// A cursor to go on with, and nothing behind it for now.
    NoMore,
}

/// Every row of a list, page by page.
fn all(api: &Api, path: &str, ended: Ended) -> io::Result<Vec<Value>> {
    let (mut rows, mut next) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{path}{next}"))?.expect(200)?.json();
        rows.extend(page["data"].as_array().into_iter().flatten().cloned());
        let cursor = page["next_cursor"].as_str();
        assert!(cursor.is_some() || ended == Ended::NoCursor, "a list that has no cursor: {path}");
        match cursor {
            Some(cursor) if page["has_more"] == true => next = format!("&cursor={cursor}"),
            _ => return Ok(rows),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
