//! Clauses 1, 2, 4 and 5: what is kept, and where it is found.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use super::{Store, endpoint, listed, registered, registers, webhook_id};
use crate::conformance::fixtures::{at, workspace};
use crate::webhooks::{
    CustomHeaders, Endpoint, EndpointState, EventPattern, FieldFilter, Format, Ordering, Scheme, SealedSecret, Target,
};

/// Clauses 1 and 2: every field, the secret byte for byte.
pub async fn an_endpoint_is_kept_as_it_was_given(store: Store) {
    let patterns = ["link.created", "link.*", "webhook.disabled"];
    let full = Endpoint {
        target: Target::stored("https://hooks.example/?a=%25&b='\"\\_"),
        events: patterns.map(|text| EventPattern::parse(text).expect("a pattern")).into(),
        description: Some("Größe 'n\" 日本".to_owned()),
        filter: FieldFilter::stored(r#"{"data.link.tags":["a'\"b",1,2.5,true,null],"subject":["lnk_1"]}"#)
            .expect("a filter"),
        headers: CustomHeaders::stored(r#"{"x-env":"a \"b'","x-team":"links"}"#).expect("headers"),
        format: Format::CloudEvents,
        payload_version: 7,
        ordering: Ordering::Subject,
        rate_limit: NonZeroU32::new(u32::MAX),
        concurrency: NonZeroU16::MAX,
        state: EndpointState::Failing,
        verified_at: Some(at(50) + Duration::from_micros(3)),
        scheme: Scheme::Ed25519,
        secrets: [None, Some(at(70))]
            .map(|ends_at| SealedSecret {
                sealed: (0..=255).collect(),
                made_at: at(60) + Duration::from_micros(9),
                ends_at,
            })
            .into(),
        updated_at: at(99) + Duration::from_micros(1),
        version: 10_000_000_000,
        ..endpoint(2)
    };
    let none = Endpoint { events: Vec::new(), secrets: Vec::new(), ..endpoint(3) };
    let endpoints = [endpoint(1), full, none];
    registered(&store, &endpoints).await;
    for (n, endpoint) in (1..).zip(&endpoints) {
        let found = store.endpoint(workspace(1), webhook_id(n)).await.expect("a look");
        assert_eq!(found.as_ref(), Some(endpoint));
    }
    assert_eq!(listed(&store, 1).await, endpoints);
    assert_eq!(store.endpoint(workspace(1), webhook_id(9)).await.expect("a look"), None);
}

/// Of [`WebhookStore::endpoints`](crate::webhooks::WebhookStore::endpoints).
pub async fn endpoints_are_listed_oldest_first(store: Store) {
    let late = Endpoint { created_at: at(9), ..endpoint(1) };
    registered(&store, &[late.clone(), endpoint(3), endpoint(2)]).await;
    assert_eq!(listed(&store, 1).await, [endpoint(2), endpoint(3), late]);
}

/// Of [`WebhookStore::delete_endpoint`](crate::webhooks::WebhookStore::delete_endpoint).
pub async fn a_deleted_endpoint_is_gone(store: Store) {
    registered(&store, &[endpoint(1), endpoint(2)]).await;
    assert!(store.delete_endpoint(workspace(1), webhook_id(1)).await.expect("an outcome"));
    assert!(!store.delete_endpoint(workspace(1), webhook_id(1)).await.expect("an outcome"));
    assert_eq!(store.endpoint(workspace(1), webhook_id(1)).await.expect("a look"), None);
    assert_eq!(listed(&store, 1).await, [endpoint(2)]);
}

/// Clause 4.
pub async fn another_workspaces_endpoints_are_not_there(store: Store) {
    let theirs = Endpoint { workspace: workspace(2), ..endpoint(2) };
    registered(&store, &[endpoint(1), theirs.clone()]).await;
    assert_eq!(listed(&store, 1).await, [endpoint(1)]);
    assert_eq!(listed(&store, 2).await, std::slice::from_ref(&theirs));
    assert_eq!(listed(&store, 3).await, []);
    assert_eq!(store.endpoint(workspace(1), theirs.id).await.expect("a look"), None);
    assert!(!store.delete_endpoint(workspace(1), theirs.id).await.expect("an outcome"));
    assert_eq!(store.endpoint(workspace(2), theirs.id).await.expect("a look"), Some(theirs));
}

/// Clause 5.
pub async fn an_endpoint_that_is_there_stays_as_it_is(store: Store) {
    registered(&store, &[endpoint(1)]).await;
    let again = Endpoint { description: Some("again".to_owned()), version: 2, ..endpoint(1) };
    assert!(registers(&store, &again, 100).await);
    assert_eq!(listed(&store, 1).await, [endpoint(1)]);
}
