//! How long it takes until everything works again, by itself.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::ledger::Ledger;
use super::tail::read_about;
use super::writers::{Writer, create};
use crate::support::http::Api;
use crate::support::wait::until;

/// What a fault may take from the moment on at which its cause is over.
pub(super) const RECOVERY: Duration = Duration::from_secs(10);

/// How long it is waited for, to say how long it took.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until each node creates a link, follows it and shows its event; says how long after `back` that was.
///
/// # Errors
///
/// When one of them does not come about.
pub(super) fn recover(apis: &[Api; 2], ledger: &Ledger, back: Instant) -> io::Result<[Duration; 2]> {
    thread::scope(|scope| {
        let nodes = [0, 1].map(|node| {
            let api = &apis[node];
            scope.spawn(move || works(api, ledger, &format!("recovery-of-node-{node}"), back))
        });
        let [left, right] = nodes.map(|node| node.join().expect("no panic"));
        Ok([left?, right?])
    })
}

fn works(api: &Api, ledger: &Ledger, name: &str, back: Instant) -> io::Result<Duration> {
    let mut keys = Vec::new();
    let link = until(PATIENCE, "a node to create a link", || {
        // A key of its own each: one that failed half-way is busy until its lease ends, and is asked for below.
        let key = format!("{name}-attempt-{}", keys.len());
        let outcome = create(api, &key);
        keys.push(key);
        let answer = outcome.ok().filter(|answer| answer.status == 201);
        Ok(answer.map(|answer| answer.json()))
    })?;
    let text = |name: &str| link[name].as_str().unwrap_or_else(|| panic!("no {name} in {link}"));
    let (id, path) = (text("id"), format!("/{}", text("slug")));
    until(PATIENCE, "a node to follow a new link", || {
        // Looking is no click.
        let answer = api.send("HEAD", &path, &[], None);
        Ok(answer.is_ok_and(|answer| answer.status == 302).then_some(()))
    })?;
    until(PATIENCE, "a node to show the event of a new link", || {
        let events = read_about(api, id);
        Ok(events.is_ok_and(|events| !events.is_empty()).then_some(()))
    })?;
    let took = back.elapsed();
    let mut writer = Writer { apis: [api.clone(), api.clone()], node: 0, ledger };
    for key in keys {
        ledger.enter(writer.create(&key).0);
    }
    Ok(took)
}
