//! Nodes that share servers.

use std::time::Duration;

use crate::process::{Place, Server, timed, wait_for};
use crate::proxy::Proxy;
use crate::servers::{Servers, borrowed, redis_address};

fn create(node: &Server, key: &str, slug: &str) {
    let body = format!("{{\"destination\": \"https://example.com/{slug}\", \"slug\": \"{slug}\"}}");
    let (status, answer) = node.request("POST", "/v1/links", key, &body);
    assert_eq!(status, 201, "{answer}");
}

#[test]
fn two_nodes_on_one_postgresql_follow_the_same_links_and_hear_of_changes() {
    let (places, servers) = ([Place::new(), Place::new()], Servers::new());
    let settings = [servers.postgres()];
    let nodes = places.each_ref().map(|place| place.serve_with(&borrowed(&settings)));
    let key = nodes[0].key().expect("the first node makes the first key");
    assert!(nodes[0].greeting.contains("kept in      PostgreSQL at "), "{}", nodes[0].greeting);
    create(&nodes[0], &key, "one");
    let (status, answer) = nodes[1].get("/one", "");
    assert!(status == 302 && answer.contains("https://example.com/one"), "{answer}");
    let (status, listed) = nodes[1].get("/v1/links", &key);
    let id = listed.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
    assert_eq!(status, 200, "{listed}");
    let edit = "{\"destination\": \"https://example.com/other\"}";
    let (status, answer) = nodes[0].request("PATCH", &format!("/v1/links/{id}"), &key, edit);
    assert_eq!(status, 200, "{answer}");
    wait_for("the edit on the other node", || nodes[1].get("/one", "").1.contains("https://example.com/other"));
    assert_eq!(nodes[0].request("DELETE", &format!("/v1/links/{id}"), &key, "").0, 204);
    wait_for("the end of the link on the other node", || nodes[1].get("/one", "").0 != 302);
    for node in nodes {
        assert_eq!(node.terminate(), 0);
    }
}

#[test]
fn nodes_start_on_an_empty_database_at_once() {
    let (places, servers) = ([Place::new(), Place::new(), Place::new()], Servers::new());
    places[0].file("key", "an-operators-own-key");
    let (settings, key) = ([servers.postgres()], places[0].path().join("key"));
    let settings = [&borrowed(&settings)[..], &["--admin-key-file", key.to_str().expect("UTF-8")]].concat();
    std::thread::scope(|scope| {
        let nodes = places.each_ref().map(|place| scope.spawn(|| place.serve_with(&settings)));
        for node in nodes {
            let node = node.join().expect("it starts");
            assert_eq!(node.get("/v1/links", "an-operators-own-key").0, 200);
        }
    });
}

#[test]
fn every_mix_of_servers_carries_events() {
    for (store, beside) in [("postgres", "redis nats"), ("sqlite", "redis"), ("memory", "nats"), ("postgres", "redis")]
    {
        let (place, servers) = (Place::new(), Servers::new());
        let mut settings = match store {
            "postgres" => vec![servers.postgres()],
            "memory" => vec![vec!["--database-url".to_owned(), "memory:".to_owned()]],
            _ => Vec::new(),
        };
        let beside: Vec<&str> = beside.split(' ').collect();
        settings.extend(beside.contains(&"redis").then(|| servers.redis()));
        // Redis carries the log where it is told to.
        settings.extend((beside == ["redis"]).then(|| vec!["--bus".to_owned(), "redis".to_owned()]));
        settings.extend(beside.contains(&"nats").then(|| servers.nats()));
        let node = place.serve_with(&borrowed(&settings));
        let (_, ready) = node.get("/readyz", "");
        for name in beside.iter().chain([&store]) {
            assert!(ready.contains(&format!("\"{name}\":\"ok\"")), "{name}: {ready}");
        }
        let key = node.key().expect("a key");
        create(&node, &key, "a");
        wait_for("the event", || node.get("/v1/events", &key).1.contains("link.created"));
        assert_eq!(node.terminate(), 0, "{store} {beside:?}");
    }
}

#[test]
fn a_limit_is_one_for_all_nodes() {
    for beside in ["", "redis"] {
        let (places, servers) = ([Place::new(), Place::new()], Servers::new());
        let mut settings = vec![servers.postgres()];
        settings.extend((beside == "redis").then(|| servers.redis()));
        // So long a time that nothing comes back into the bucket meanwhile.
        let settings = [&borrowed(&settings)[..], &["--rate-limit", "20/31d"]].concat();
        let nodes = places.each_ref().map(|place| place.serve_with(&settings));
        let key = nodes[0].key().expect("a key");
        let answers = (0..30).map(|turn| nodes[turn % 2].get("/v1/links", &key).0);
        let answers: Vec<_> = answers.collect();
        let admitted = answers.iter().filter(|status| **status == 200).count();
        let denied = answers.iter().filter(|status| **status == 429).count();
        assert_eq!((admitted, denied), (20, 10), "{beside}: {answers:?}");
    }
}

#[test]
fn a_dependency_that_hangs_is_named_by_readyz_within_seconds() {
    let (place, servers) = (Place::new(), Servers::new());
    let proxy = Proxy::new(redis_address());
    let redis = servers.redis_at(&format!("redis://{}", proxy.address()));
    let node = place.serve_with(&borrowed(&[redis]));
    proxy.hang();
    let ((status, answer), took) = timed(|| node.get("/readyz", ""));
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(status == 503 && answer.contains("\"sqlite\":\"ok\"") && !answer.contains("\"redis\":\"ok\""), "{answer}");
    assert_eq!(node.get("/livez", "").0, 200);
    assert_eq!(node.terminate(), 0);
}

#[test]
fn doctor_asks_a_running_server_whether_it_is_ready() {
    let place = Place::new();
    let node = place.serve();
    let listen = node.url().replace("http://", "");
    let ready = place.run(&["doctor", "--ready", "--listen", &listen]).with_status(0).out;
    assert_eq!(ready, format!("ok   ready: the server on {listen} is\n"));
    assert_eq!(node.terminate(), 0);
    let gone = place.run(&["doctor", "--ready", "--listen", &listen]).with_status(1).out;
    assert!(gone.starts_with("fail ready: nobody answers on "), "{gone}");
}
