//! Order where it was asked for, through failures and a kill.

use std::collections::HashMap;
use std::io;
use std::sync::Mutex;
use std::thread;

use serde_json::{Value, json};

use super::{PATIENCE, make_links, register, settings, text};
use crate::support::dice::Dice;
use crate::support::receiver::Receiver;
use crate::support::wait::until;

const LINKS: usize = 20;
const EDITS: usize = 15;
const RETRIES: &str = "1s,1s,1s,1s,1s,1s,1s,1s,1s,1s";

#[test]
fn events_of_one_link_arrive_in_the_order_of_their_commits() {
    order().expect("the order");
}

fn order() -> io::Result<()> {
    let dice = Mutex::new(Dice::new());
    let receiver = Receiver::start(move |_, _| {
        let mut dice = dice.lock().expect("no code panics under this lock");
        if dice.throw(0..100) < 15 { 500 } else { 200 }
    })?;
    let mut server = settings().env("WAYPOST_WEBHOOK_RETRIES", RETRIES).start()?;
    let api = server.api();
    let hook = json!({"url": receiver.url(), "events": ["link.*"], "ordering": "subject"});
    register(&api, &hook)?;
    let links = make_links(&api, "ordered", LINKS)?;
    for edit in 0..EDITS {
        thread::scope(|scope| {
            let edited = links.chunks(LINKS / 4).map(|links| {
                let api = api.clone();
                scope.spawn(move || {
                    let patch = |link: &String| {
                        let body = json!({"title": format!("edit {edit}")});
                        api.patch(&format!("/v1/links/{link}"), &body).and_then(|answer| answer.expect(200))
                    };
                    links.iter().try_for_each(|link| patch(link).map(drop))
                })
            });
            let edited: Vec<_> = edited.collect();
            edited.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
        })?;
        if edit == EDITS / 2 {
            server.restart()?;
        }
    }
    let versions = until(PATIENCE, "every event of every link", || {
        let mut arrived: HashMap<String, Vec<u64>> = HashMap::new();
        for call in receiver.calls().into_iter().filter(|call| call.status == 200) {
            let event: Value = serde_json::from_slice(&call.body).map_err(io::Error::other)?;
            let version = event["data"]["link"]["version"].as_u64().unwrap_or(0);
            arrived.entry(text(&event, "subject")?).or_default().push(version);
        }
        let is_all = arrived.len() == LINKS && arrived.values().all(|seen| seen.contains(&(EDITS as u64 + 1)));
        Ok(is_all.then_some(arrived))
    })?;
    for (link, mut seen) in versions {
        // One that was under way when the node was killed comes again, before any later one.
        seen.dedup();
        assert_eq!(seen, (1..=EDITS as u64 + 1).collect::<Vec<_>>(), "{link}");
    }
    Ok(())
}
