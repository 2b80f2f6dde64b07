//! Many callers at once, over real sockets: what may happen once happens once.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::load::{Load, Running};
use crate::support::server::Server;

const FOLLOWS: u64 = 1_000;
const MOST: u64 = 10;

#[test]
fn a_hundred_posts_under_one_key_make_one_link() {
    let server = Server::start().expect("a server on an empty store");
    let (api, start) = (server.api(), Barrier::new(100));
    let answers: Vec<_> = thread::scope(|scope| {
        let posts: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    api.create_link("https://example.com/", None, Some("one-key"))
                })
            })
            .collect();
        posts.into_iter().map(|post| post.join().expect("no panic").expect("an answer")).collect()
    });
    let (mut bodies, mut first) = (HashSet::new(), 0);
    for answer in &answers {
        match answer.status {
            201 => {
                bodies.insert(answer.body.clone());
                first += u64::from(answer.header("idempotent-replayed").is_none());
            }
            409 => {
                assert_eq!(answer.json()["error"]["code"], "IDEMPOTENCY_IN_FLIGHT");
                assert!(answer.header("retry-after").is_some(), "{:?}", answer.headers);
            }
            _ => panic!("{}: {}", answer.status, answer.json()),
        }
    }
    assert_eq!((first, bodies.len()), (1, 1), "one is carried out, all others are told so");
    let links = api.get("/v1/links").expect("an answer").json();
    assert_eq!(links["data"].as_array().map(Vec::len), Some(1), "{links}");
}

#[test]
fn racing_follows_are_let_through_as_often_as_the_link_allows() {
    let server = Server::start().expect("a server on an empty store");
    create(&server, "ten");
    let report = follow(&server, ["/ten"]).join().expect("a load that could connect");
    assert_eq!(report.statuses, [(302, MOST), (410, FOLLOWS - MOST)].into());
    assert_eq!(report.unanswered + report.unsent, 0, "{:?}", report.faults);
}

#[test]
fn follows_that_race_through_a_kill_are_never_more_than_the_link_allows() {
    const LINKS: u64 = 40;
    let mut server = Server::start().expect("a server on an empty store");
    let slugs: Vec<_> = (0..LINKS).map(|link| format!("ten-{link}")).collect();
    for slug in &slugs {
        create(&server, slug);
    }
    let paths = || slugs.iter().map(|slug| format!("/{slug}"));
    // Links are followed in turn, so at half of what all allow together, most have been followed a few times.
    let load = follow(&server, paths());
    load.wait_for(LINKS * MOST / 2);
    server.kill9().expect("a server to kill");
    let before = load.join().expect("a load that could connect");
    assert!(before.redirected() < LINKS * MOST, "the kill came too late: this has shown nothing");
    server.restart().expect("a server that starts again");
    let after = follow(&server, paths()).join().expect("a load that could connect");
    assert_eq!(after.unanswered + after.unsent, 0, "{:?}", after.faults);
    for (before, after) in before.paths.iter().zip(&after.paths) {
        let through = before.redirected + after.redirected;
        // What was under way at the kill may have been let through, although nobody has seen it.
        assert!(
            through <= MOST && through + before.unanswered >= MOST,
            "{}: {} before the kill, {} unanswered, {} after it",
            before.path,
            before.redirected,
            before.unanswered,
            after.redirected
        );
    }
}

fn create(server: &Server, slug: &str) {
    let link = json!({ "destination": "https://example.com/", "slug": slug, "max_clicks": MOST });
    let answer = server.api().post("/v1/links", &link, None);
    answer.and_then(|answer| answer.expect(201)).expect("a link");
}

/// Follows in turn on 200 connections.
fn follow<P: Into<String>>(server: &Server, paths: impl IntoIterator<Item = P>) -> Running {
    Load::new(server.address(), paths)
        .connections(200)
        .for_count(FOLLOWS)
        .for_time(Duration::from_secs(60))
        .start()
        .expect("a load")
}
