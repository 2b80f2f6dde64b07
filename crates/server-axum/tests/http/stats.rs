//! Statistics (contract §2).

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::Server;

/// A link with clicks: one of a bot, two of people, and one of them twice.
async fn clicked(server: &Server) -> String {
    let path = server.make_slug("spring").await;
    // A range ends before its `to`, which is now: off the hour, at which it would end before these clicks.
    server.clock.advance(Duration::from_secs(60));
    for agent in ["bot", "Firefox", "Firefox", "Chrome"] {
        server.follow("/spring").header("user-agent", agent).send().await;
    }
    server.run_engines().await;
    path
}

#[tokio::test]
async fn every_click_is_counted_in_one_class() {
    let server = Server::start().await;
    let path = clicked(&server).await;
    let reply = server.get(&format!("{path}/stats?group_by=browser")).send().await;
    let total = &reply.json()["total"];
    let count = |name: &str| total[name].as_u64().unwrap();
    assert_eq!(count("counted"), 4);
    assert_eq!(count("counted"), count("human") + count("bot") + count("duplicate"));
    assert_eq!((count("human"), count("bot"), count("duplicate")), (2, 1, 1));
    assert_snapshot!("stats", reply.show());
}

#[tokio::test]
async fn a_range_counts_what_lies_in_it() {
    let server = Server::start().await;
    let path = clicked(&server).await;
    server.clock.advance(Duration::from_secs(2 * 60 * 60));
    server.follow("/spring").header("user-agent", "late").send().await;
    server.run_engines().await;
    for (query, counted) in [
        ("", 5),
        ("from=2026-11-20T13:00:00Z", 1),
        ("to=2026-11-20T13:00:00Z", 4),
        ("from=2026-11-20T10:00:00Z&to=2026-11-20T11:00:00Z", 0),
        ("from=2026-11-20T12:30:00Z&to=2026-11-20T12:31:00Z", 4),
        ("interval=month", 5),
    ] {
        let stats = server.get(&format!("{path}/stats?{query}")).send().await.json();
        assert_eq!(stats["total"]["counted"], counted, "{query}");
        let series: u64 =
            stats["series"].as_array().unwrap().iter().map(|bucket| bucket["counted"].as_u64().unwrap()).sum();
        assert_eq!(series, counted, "the series adds up: {query}");
    }
}

#[tokio::test]
async fn a_question_that_is_none_is_refused() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    for (query, faulty) in [
        ("from=yesterday", "query.from"),
        ("to=1", "query.to"),
        ("interval=minute", "query.interval"),
        ("group_by=colour", "query.group_by"),
        ("from=2026-11-20T12:00:00Z&to=2026-11-20T12:00:00Z", "query.from"),
        ("from=2027-01-01T00:00:00Z", "query.from"),
        ("from=2000-01-01T00:00:00Z&interval=hour", "query.interval"),
        ("colour=red", "query.colour"),
    ] {
        let reply = server.get(&format!("{path}/stats?{query}")).send().await;
        assert_eq!(
            (reply.fault(), reply.faulty()),
            ((422, "VALIDATION_FAILED".into()), vec![faulty.to_owned()]),
            "{query}"
        );
    }
    let edge = server
        .get(&format!("{path}/stats?from=-009999-01-02T01:59:59Z&to=9999-12-30T22:00:00Z&interval=month"))
        .send()
        .await;
    assert_eq!(edge.status, 422, "a range of twenty thousand years has too many months");
    for (to, status) in [("21:59:59.999999Z", 200), ("22:00:00Z", 200), ("22:00:01Z", 422)] {
        let path = format!("{path}/stats?to=9999-12-30T{to}");
        let last = server.get(&path).send().await;
        assert_eq!(last.status, status, "near the last moment that there is: {to}");
    }
}

#[tokio::test]
async fn nothing_counted_is_nothing_and_no_fault() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let stats = server.get(&format!("{path}/stats?group_by=country")).send().await.json();
    assert_eq!(
        (&stats["total"]["counted"], &stats["series"], &stats["groups"]),
        (&json!(0), &Value::Array(vec![]), &json!([]))
    );
}
