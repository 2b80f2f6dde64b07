//! Server-sent events.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use waypost_core::push::LiveOptions;

use crate::harness::{Server, Setup};

/// A stream that is open.
struct Stream {
    headers: HeaderMap,
    body: Body,
    text: String,
}

impl Stream {
    async fn open(server: &Server, query: &str, last: Option<&str>) -> Self {
        let mut asking = server.get(&format!("/v1/events/stream{query}")).header("accept", "text/event-stream");
        if let Some(last) = last {
            asking = asking.header("last-event-id", last);
        }
        let response = asking.open().await;
        assert_eq!(response.status(), StatusCode::OK);
        let (head, body) = response.into_parts();
        let mut stream = Self { headers: head.headers, body, text: String::new() };
        stream.read_on().await;
        stream
    }

    /// Reads what is there at this moment; says whether the stream has ended.
    async fn read_on(&mut self) -> bool {
        loop {
            // Memory answers at once, and time stands still: what is not there after a turn is not to come.
            let next = tokio::time::timeout(Duration::from_millis(20), self.body.frame()).await;
            match next {
                Err(_) => return false,
                Ok(None) => return true,
                Ok(Some(frame)) => {
                    let data = frame.expect("the stream does not fail").into_data().expect("data");
                    self.text.push_str(std::str::from_utf8(&data).expect("UTF-8"));
                }
            }
        }
    }

    fn events(&self) -> Vec<Value> {
        let blocks = self.text.split("\n\n").filter(|block| block.contains("event: link."));
        let data = blocks.filter_map(|block| block.lines().find_map(|line| line.strip_prefix("data: ")));
        data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
    }

    fn subjects(&self) -> Vec<String> {
        self.events().iter().map(|event| event["subject"].as_str().expect("a link").to_owned()).collect()
    }

    /// The place of the last whole block, as a browser keeps it.
    fn last_id(&self) -> String {
        let mut ids = self.text.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.next_back().expect("a place").to_owned()
    }
}

/// Makes so many links, and has it told; gives their ids.
async fn make(server: &Server, count: usize) -> Vec<String> {
    let mut made = Vec::new();
    for _ in 0..count {
        let link = server.make(json!({"destination": "https://example.com/"})).await;
        made.push(link["id"].as_str().expect("an id").to_owned());
    }
    server.run_engines().await;
    made
}

#[tokio::test]
async fn a_stream_says_at_once_that_it_is_one_and_where_it_stands() {
    let server = Server::start().await;
    server.run_engines().await;
    let stream = Stream::open(&server, "", None).await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    assert_eq!(stream.headers["cache-control"], "no-store");
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    assert!(stream.headers.get("content-encoding").is_none());
    assert!(stream.text.starts_with(": ok\nretry: 3000\n\nid: "), "{}", stream.text);
}

#[tokio::test]
async fn what_happens_comes_as_it_happens_and_the_list_shows_the_same() {
    let server = Server::start().await;
    make(&server, 2).await;
    let mut stream = Stream::open(&server, "", None).await;
    let made = make(&server, 3).await;
    stream.read_on().await;
    assert_eq!(stream.subjects(), made);
    let listed = server.get("/v1/events").send().await.json();
    assert_eq!(stream.events(), listed["data"].as_array().expect("a page")[2..]);
    assert_eq!(stream.last_id(), listed["next_cursor"]);
}

#[tokio::test]
async fn who_was_cut_off_before_the_first_event_misses_none() {
    let server = Server::start().await;
    make(&server, 2).await;
    let stream = Stream::open(&server, "", None).await;
    let place = stream.last_id();
    drop(stream);
    let made = make(&server, 2).await;
    assert_eq!(Stream::open(&server, "", Some(&place)).await.subjects(), made);
    assert_eq!(Stream::open(&server, &format!("?cursor={place}"), None).await.subjects(), made);
    // A browser that comes back asks for the same URL, and knows better by now.
    let later = server.get("/v1/events").send().await.json()["next_cursor"].as_str().expect("a cursor").to_owned();
    assert!(Stream::open(&server, &format!("?cursor={place}"), Some(&later)).await.subjects().is_empty());
}

#[tokio::test]
async fn a_stream_is_narrowed_down_and_begins_where_it_is_told_to() {
    let server = Server::start().await;
    let made = make(&server, 3).await;
    let all = Stream::open(&server, "?from=start", None).await;
    assert_eq!(all.subjects(), made);
    let one = Stream::open(&server, &format!("?from=start&subject={}", made[1]), None).await;
    assert_eq!(one.subjects(), made[1..2]);
    let none = Stream::open(&server, "?from=start&types=link.deleted,link.updated", None).await;
    assert!(none.subjects().is_empty());
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_the_stream_begins() {
    let server = Server::start().await;
    make(&server, 1).await;
    let foreign = {
        let key = server.issue("other", "*").await;
        let page = server.get("/v1/events").key(&key).send().await.json();
        page["next_cursor"].as_str().expect("a cursor").to_owned()
    };
    let ours = server.get("/v1/events").send().await.json()["next_cursor"].as_str().expect("a cursor").to_owned();
    let forged = format!("{}{}", &ours[..ours.len() - 2], if ours.ends_with("AA") { "BB" } else { "AA" });
    for cursor in [&foreign, &forged, "nonsense"] {
        let reply = server.get(&format!("/v1/events/stream?cursor={cursor}")).send().await;
        assert_eq!((reply.status, reply.code()), (400, "INVALID_CURSOR".to_owned()), "{cursor}");
        let reply = server.get("/v1/events/stream").header("last-event-id", cursor).send().await;
        assert_eq!(reply.status, 400, "{cursor}");
        let reply = server.get(&format!("/v1/events?wait=5&cursor={cursor}")).send().await;
        assert_eq!(reply.status, 400, "{cursor}");
    }
    for query in ["?from=yesterday", "?types=nonsense", "?subject=", "?overflow=explode", "?colour=red"] {
        let reply = server.get(&format!("/v1/events/stream{query}")).send().await;
        assert_eq!(reply.status, 422, "{query}: {}", reply.text());
    }
    assert_eq!(server.anonymous(Method::GET, "/v1/events/stream").send().await.status, 401);
    let key = server.issue("default", "links:read").await;
    assert_eq!(server.get("/v1/events/stream").key(&key).send().await.status, 403);
    let reply = server.get("/v1/events/stream").header("accept", "application/json").send().await;
    assert_eq!(reply.status, 406);
}

#[tokio::test]
async fn another_workspace_hears_nothing_of_it() {
    let server = Server::start().await;
    server.run_engines().await;
    let key = server.issue("other", "events:read").await;
    let response = server.get("/v1/events/stream?from=start").key(&key).open().await;
    let mut foreign = Stream { headers: HeaderMap::new(), body: response.into_body(), text: String::new() };
    let mut ours = Stream::open(&server, "?from=start", None).await;
    let made = make(&server, 2).await;
    ours.read_on().await;
    foreign.read_on().await;
    assert_eq!((ours.subjects(), foreign.subjects()), (made, Vec::new()));
}

#[tokio::test]
async fn a_stream_ends_when_its_key_is_revoked_and_says_so() {
    let server = Server::start().await;
    server.run_engines().await;
    let body = json!({"name": "feed", "scopes": ["events:read"]});
    let issued = server.post("/v1/api-keys", &body).send().await.json();
    let (id, text) = (issued["id"].as_str().expect("an id"), issued["key"].as_str().expect("a key"));
    let response = server.get("/v1/events/stream").key(text).open().await;
    let mut stream = Stream { headers: HeaderMap::new(), body: response.into_body(), text: String::new() };
    server.clock.advance(Duration::from_secs(15));
    assert!(!stream.read_on().await, "it holds");
    assert_eq!(server.delete(&format!("/v1/api-keys/{id}")).send().await.status, 204);
    server.clock.advance(Duration::from_secs(15));
    assert!(stream.read_on().await, "it has ended");
    assert!(stream.text.contains("event: closing\ndata: {\"reason\":\"token_ended\""), "{}", stream.text);
}

#[tokio::test]
async fn one_too_many_and_a_node_that_stops_answer_with_a_stream_that_ends() {
    let live = LiveOptions { most_per_principal: 1, ..LiveOptions::default() };
    let server = Server::with(Setup { live, ..Setup::default() }).await;
    server.run_engines().await;
    let mut first = Stream::open(&server, "", None).await;
    let mut second = Stream::open(&server, "", None).await;
    assert!(second.read_on().await);
    assert!(second.text.contains("\"reason\":\"too_many\""), "{}", second.text);
    let wait: u64 =
        second.text.rsplit("retry: ").next().and_then(|rest| rest.lines().next()?.parse().ok()).expect("a wait");
    assert!((5_000..=10_000).contains(&wait), "{wait}");
    let held = server.get("/v1/events?wait=5").send().await;
    assert_eq!((held.status, held.code()), (503, "UNAVAILABLE".to_owned()));
    assert!(held.header("retry-after").parse::<u64>().is_ok_and(|wait| (5..=11).contains(&wait)));
    let hub = server.platform.live.clone();
    let drained = tokio::spawn(async move { hub.drain(Duration::from_secs(1)).await });
    tokio::task::yield_now().await;
    assert!(first.read_on().await);
    assert!(first.text.contains("\"reason\":\"drain\""), "{}", first.text);
    drop(first);
    drained.await.expect("the drain ends");
    let mut late = Stream::open(&server, "", None).await;
    assert!(late.read_on().await && late.text.contains("\"reason\":\"drain\""), "{}", late.text);
}
