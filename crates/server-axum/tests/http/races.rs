//! Many at once.

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::{Reply, Server};

/// Sends all of them at once, and gives the answers.
async fn race(askings: Vec<crate::harness::Asking>) -> Vec<Reply> {
    let running: Vec<_> = askings.into_iter().map(|asking| tokio::spawn(asking.send())).collect();
    let mut replies = Vec::new();
    for reply in running {
        replies.push(reply.await.unwrap());
    }
    replies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_posts_with_one_key_make_one_link() {
    let server = Server::start().await;
    for round in 0..20 {
        let key = format!("key-{round}");
        let body = json!({"destination": "https://example.com/"});
        let replies = race((0..100).map(|_| server.post("/v1/links", &body).once(&key)).collect()).await;
        let mut first = 0;
        let mut bodies = BTreeSet::new();
        for reply in &replies {
            match (reply.status, reply.header("idempotent-replayed")) {
                (201, replayed) => {
                    first += usize::from(replayed.is_empty());
                    bodies.insert(reply.body.clone());
                }
                (409, _) => {
                    assert_eq!(reply.code(), "IDEMPOTENCY_IN_FLIGHT");
                    assert!(reply.header("retry-after").parse::<u64>().unwrap() >= 1);
                }
                (status, _) => panic!("{status}: {}", reply.text()),
            }
        }
        assert_eq!((first, bodies.len()), (1, 1), "one was carried out, and the rest are that answer once more");
        assert_eq!(server.count().await, round + 1);
    }
    server.run_engines().await;
    let told = server.get("/v1/events?limit=100&types=link.created").send().await.json();
    assert_eq!(told["data"].as_array().unwrap().len(), 20, "one event a key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_follows_of_a_link_for_ten_are_ten_redirects() {
    let server = Server::start().await;
    let link = server.make(json!({"destination": "https://example.com/", "slug": "ten", "max_clicks": 10})).await;
    let replies = race((0..1_000).map(|_| server.follow("/ten")).collect()).await;
    let redirects = replies.iter().filter(|reply| reply.status == 302).count();
    let gone = replies.iter().filter(|reply| reply.fault() == (410, "GONE".into())).count();
    assert_eq!((redirects, gone), (10, 990));
    server.run_engines().await;
    let link = server.get(&format!("/v1/links/{}", link["id"].as_str().unwrap())).send().await.json();
    assert_eq!((&link["clicks"], &link["status"]), (&json!(10), &json!("used_up")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_want_one_slug_one_gets_it() {
    let server = Server::start().await;
    let body = json!({"destination": "https://example.com/", "slug": "spring"});
    let replies = race((0..100).map(|_| server.post("/v1/links", &body)).collect()).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.code() == "SLUG_TAKEN").count(), 99);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_edits_of_one_version_one_is_made() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let tag = server.get(&path).send().await.header("etag").to_owned();
    let edit = |n: usize| server.patch(&path, &json!({"title": format!("edit {n}")})).header("if-match", &tag);
    let replies = race((0..50).map(edit).collect()).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.code() == "VERSION_MISMATCH").count(), 49);
    assert_eq!(server.get(&path).send().await.json()["version"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_edit_without_a_precondition_is_lost() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let edit = |n: usize| server.patch(&path, &json!({"metadata": {format!("k{n}"): n}}));
    let replies = race((0..40).map(edit).collect()).await;
    let made = replies.iter().filter(|reply| reply.status == 200).count();
    assert!(replies.iter().all(|reply| reply.status == 200 || reply.code() == "UNAVAILABLE"));
    let link = server.get(&path).send().await.json();
    assert_eq!(link["metadata"].as_object().unwrap().len(), made, "each that was answered with 200 is there");
    assert_eq!(link["version"], made + 1);
}
