//! Many links at once (contract §2).

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::Server;

fn items(count: usize) -> Value {
    let item = |n: usize| json!({"destination": "https://example.com/", "slug": format!("bulk-{n}")});
    (0..count).map(item).collect()
}

#[tokio::test]
async fn each_item_has_the_status_that_it_would_have_alone_in_request_order() {
    let server = Server::start().await;
    server.make_slug("taken").await;
    let items = json!([
        {"destination": "https://example.com/one", "slug": "one"},
        {"destination": "javascript:alert(1)"},
        {"destination": "https://example.com/", "slug": "taken"},
        {"slug": "no-destination"},
        7,
        {"destination": "https://example.com/two", "slug": "one"},
        {"destination": "https://example.com/", "metadata": {"k": "x".repeat(17 * 1024)}},
    ]);
    let reply = server.post("/v1/links/bulk", &json!({"items": items})).send().await;
    assert_eq!(reply.status, 207);
    let results = reply.json()["results"].as_array().unwrap().clone();
    let statuses: Vec<_> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 422, 409, 422, 422, 409, 422]);
    let fields: Vec<_> = results.iter().map(|result| result["error"]["details"][0]["field"].clone()).collect();
    let expected = [
        "items[1].destination",
        "items[2].slug",
        "items[3].destination",
        "items[4]",
        "items[5].slug",
        "items[6].metadata",
    ];
    assert_eq!(fields[1..], expected.map(Value::from));
    assert!(results.iter().skip(1).all(|result| result["error"]["details"].as_array().unwrap().len() == 1), "no echo");
    for result in &results {
        assert_ne!(result.get("link").is_some(), result.get("error").is_some(), "a link or an error: {result}");
    }
    assert_eq!(server.count().await, 2);
    assert_snapshot!("bulk_each", reply.show());
}

#[tokio::test]
async fn atomic_makes_all_or_none() {
    let server = Server::start().await;
    let made = server.post("/v1/links/bulk", &json!({"items": items(3), "atomic": true})).send().await;
    assert_eq!((made.status, made.json()["results"].as_array().unwrap().len()), (201, 3));

    let mut clash = items(5);
    let taken = server.post("/v1/links/bulk", &json!({"items": clash, "atomic": true})).send().await;
    assert_eq!((taken.fault(), taken.faulty()), ((409, "SLUG_TAKEN".into()), vec!["items[0].slug".into()]));
    clash[3] = json!({"slug": "x y"});
    clash[4] = json!({"destination": "https://example.com/", "metadata": {"": 1}});
    let faulty = server.post("/v1/links/bulk", &json!({"items": clash, "atomic": true})).send().await;
    assert_eq!(faulty.fault(), (422, "VALIDATION_FAILED".into()));
    assert_eq!(faulty.faulty(), ["items[3].destination", "items[3].slug", "items[4].metadata"]);
    assert_eq!(server.count().await, 3);
}

#[tokio::test]
async fn a_thousand_items_pass_and_one_more_does_not() {
    let server = Server::start().await;
    for (count, status) in [(1_000, 207), (1_001, 422), (10_000, 422), (0, 422)] {
        let reply = server.post("/v1/links/bulk", &json!({"items": items(count)})).send().await;
        assert_eq!(reply.status, status, "{count} items");
        if status == 422 {
            assert_eq!((reply.code().as_str(), reply.faulty()), ("VALIDATION_FAILED", vec!["items".to_owned()]));
        }
    }
    assert_eq!(server.count().await, 1_000);
}

#[tokio::test]
async fn every_link_of_a_bulk_is_told_and_followed() {
    let server = Server::start().await;
    server.post("/v1/links/bulk", &json!({"items": items(3)})).send().await;
    server.run_engines().await;
    let page = server.get("/v1/events?types=link.created").send().await.json();
    assert_eq!(page["data"].as_array().unwrap().len(), 3);
    assert_eq!(server.destination("/bulk-2").await, "https://example.com/");
}

#[tokio::test]
async fn the_frame_of_a_bulk_is_read_strictly() {
    let server = Server::start().await;
    for (body, faulty) in [
        (json!({}), vec!["items"]),
        (json!({"items": null}), vec!["items"]),
        (json!({"items": {}}), vec!["items"]),
        (json!({"items": items(1), "atomic": "yes"}), vec!["atomic"]),
        (json!({"items": [], "colour": 1}), vec!["colour", "items"]),
    ] {
        let reply = server.post("/v1/links/bulk", &body).send().await;
        assert_eq!(
            (reply.fault(), reply.faulty()),
            ((422, "VALIDATION_FAILED".into()), faulty.into_iter().map(str::to_owned).collect())
        );
    }
    assert_eq!(server.count().await, 0);
}
