//! Held polls.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Reply, Server};

/// A poll that is under way.
fn poll(server: &Server, query: &str) -> tokio::task::JoinHandle<Reply> {
    tokio::spawn(server.get(&format!("/v1/events?{query}")).send())
}

/// Waits until a poll is held.
async fn held_by(server: &Server) {
    while server.platform.live.sessions() != 1 {
        tokio::task::yield_now().await;
    }
}

/// Where the log ends now.
async fn end(server: &Server) -> String {
    server.run_engines().await;
    server.get("/v1/events?limit=100").send().await.json()["next_cursor"].as_str().expect("a cursor").to_owned()
}

fn events(page: &Value) -> Vec<&str> {
    page["data"].as_array().expect("a page").iter().filter_map(|event| event["event"].as_str()).collect()
}

#[tokio::test]
async fn what_is_there_is_answered_at_once_in_the_shape_of_the_list() {
    let server = Server::start().await;
    for slug in ["a", "b", "c"] {
        server.make_slug(slug).await;
    }
    server.run_engines().await;
    let listed = server.get("/v1/events?limit=2").send().await.json();
    let held = server.get("/v1/events?limit=2&wait=30").send().await;
    assert_eq!(held.json(), listed);
    assert_eq!(held.header("cache-control"), "private, no-store");
    let rest =
        server.get(&format!("/v1/events?wait=30&cursor={}", held.json()["next_cursor"].as_str().unwrap())).send();
    assert_eq!(events(&rest.await.json()).len(), 1);
}

#[tokio::test]
async fn from_now_is_the_place_after_which_comes_what_happens_next() {
    let server = Server::start().await;
    server.make_slug("spring").await;
    server.run_engines().await;
    let now = server.get("/v1/events?from=now").send().await.json();
    assert_eq!(events(&now).len(), 0);
    server.make_slug("summer").await;
    server.run_engines().await;
    let cursor = now["next_cursor"].as_str().unwrap();
    for query in
        [format!("cursor={cursor}"), format!("cursor={cursor}&from=now"), format!("cursor={cursor}&from=start")]
    {
        let next = server.get(&format!("/v1/events?{query}")).send().await.json();
        assert_eq!(events(&next).len(), 1, "{query}");
    }
    assert_eq!(events(&server.get("/v1/events?from=start").send().await.json()).len(), 2);
    assert_eq!(server.get("/v1/events?from=later").send().await.faulty(), ["query.from"]);
}

#[tokio::test]
async fn a_poll_is_held_until_something_happens() {
    let server = Server::start().await;
    let cursor = end(&server).await;
    let held = poll(&server, &format!("wait=30&cursor={cursor}"));
    held_by(&server).await;
    tokio::task::yield_now().await;
    assert!(!held.is_finished());
    server.make_slug("spring").await;
    server.run_engines().await;
    let page = held.await.expect("an answer").json();
    assert_eq!(events(&page), ["link.created"]);
    assert_ne!(page["next_cursor"], Value::from(cursor));
}

#[tokio::test]
async fn where_nothing_happens_the_answer_is_empty_under_the_same_cursor() {
    let server = Server::start().await;
    let cursor = end(&server).await;
    let held = poll(&server, &format!("wait=30&cursor={cursor}"));
    held_by(&server).await;
    server.clock.advance(Duration::from_secs(29));
    tokio::task::yield_now().await;
    assert!(!held.is_finished());
    server.clock.advance(Duration::from_secs(1));
    let page = held.await.expect("an answer").json();
    assert_eq!(page, json!({"data": [], "next_cursor": cursor, "has_more": false}));
    assert_eq!(server.platform.live.sessions(), 0, "the place is given back");
}

#[tokio::test]
async fn what_others_do_wakes_nobody_who_asked_for_something_else() {
    let server = Server::start().await;
    let cursor = end(&server).await;
    let held = poll(&server, &format!("wait=1000000&types=link.deleted&cursor={cursor}"));
    held_by(&server).await;
    let path = server.make_slug("spring").await;
    server.run_engines().await;
    tokio::task::yield_now().await;
    assert!(!held.is_finished());
    server.delete(&path).send().await;
    server.run_engines().await;
    assert_eq!(events(&held.await.expect("an answer").json()), ["link.deleted"]);
}

#[tokio::test]
async fn a_caller_who_hangs_up_frees_the_place() {
    let server = Server::start().await;
    let cursor = end(&server).await;
    let held = poll(&server, &format!("wait=30&cursor={cursor}"));
    held_by(&server).await;
    held.abort();
    assert!(held.await.is_err_and(|fault| fault.is_cancelled()));
    assert_eq!(server.platform.live.sessions(), 0);
}

#[tokio::test]
async fn a_wait_that_is_no_number_is_refused() {
    let server = Server::start().await;
    for wait in ["", "-1", "1.5", "soon"] {
        assert_eq!(server.get(&format!("/v1/events?wait={wait}")).send().await.status, 422, "{wait:?}");
    }
    assert_eq!(server.get("/v1/events?wait=0").send().await.status, 200);
}

#[tokio::test]
async fn without_a_cursor_it_begins_at_the_oldest_event_kept() {
    let server = Server::start().await;
    server.run_engines().await;
    let held = poll(&server, "wait=30");
    held_by(&server).await;
    tokio::task::yield_now().await;
    assert!(!held.is_finished(), "nothing has ever happened");
    server.make_slug("spring").await;
    server.run_engines().await;
    let page = held.await.expect("an answer").json();
    assert_eq!(events(&page), ["link.created"]);
    assert_eq!(server.get("/v1/events?wait=30").send().await.json(), page, "the same event, from the log");
}

#[tokio::test]
async fn without_a_cursor_an_empty_page_says_where_to_go_on() {
    let server = Server::start().await;
    server.run_engines().await;
    let held = poll(&server, "wait=30");
    held_by(&server).await;
    // It is held once it knows where it stands; the wait is over then.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    server.clock.advance(Duration::from_secs(30));
    let page = held.await.expect("an answer").json();
    assert!(events(&page).is_empty());
    let next = page["next_cursor"].as_str().expect("a cursor");
    server.make_slug("spring").await;
    server.run_engines().await;
    let page = server.get(&format!("/v1/events?wait=30&cursor={next}")).send().await.json();
    assert_eq!(events(&page), ["link.created"]);
}

#[tokio::test]
async fn a_cursor_whose_events_are_gone_is_told_as_one() {
    let server = Server::start().await;
    server.run_engines().await;
    let cursor = end(&server).await;
    server.make_slug("spring").await;
    server.make_slug("summer").await;
    server.run_engines().await;
    let later = server.platform.clock.now() + Duration::from_secs(60);
    assert_eq!(server.platform.ports().bus.trim(later, 100).await.expect("the log is there"), 2);
    let reply = server.get(&format!("/v1/events?wait=30&cursor={cursor}")).send().await;
    assert_eq!((reply.status, reply.code()), (400, "INVALID_CURSOR".to_owned()));
    assert_eq!(server.platform.live.sessions(), 0);
}

#[tokio::test]
async fn a_node_that_stops_says_when_to_come_back() {
    let server = Server::start().await;
    let cursor = end(&server).await;
    let held = poll(&server, &format!("wait=30&cursor={cursor}"));
    held_by(&server).await;
    server.platform.live.drain(Duration::from_secs(10)).await;
    let reply = held.await.expect("an answer");
    assert_eq!((reply.status, reply.code()), (503, "UNAVAILABLE".to_owned()));
    assert_eq!(reply.header("retry-after"), "1");
    let late = server.get(&format!("/v1/events?wait=30&cursor={cursor}")).send().await;
    assert_eq!((late.status, late.code()), (503, "UNAVAILABLE".to_owned()), "nobody comes in any more");
}

#[tokio::test]
async fn where_the_log_is_away_for_the_whole_wait_no_place_is_made_up() {
    let server = Server::start().await;
    // The log was never looked at: its engine has not worked yet.
    let held = poll(&server, "wait=30");
    held_by(&server).await;
    tokio::task::yield_now().await;
    assert!(!held.is_finished());
    server.clock.advance(Duration::from_secs(30));
    let reply = held.await.expect("an answer");
    assert_eq!((reply.status, reply.code()), (503, "UNAVAILABLE".to_owned()));
    assert_eq!(reply.header("retry-after"), "1");
}
