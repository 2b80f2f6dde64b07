//! Clauses 6 to 8 of [`crate::webhooks::WebhookStore`]: changes, what they tell, and what goes with an endpoint.

use super::reading::{page, query};
use super::scene::{ALL, LEASE, arrived, deliveries, endpoints_of};
use crate::conformance::fixtures::{self, at, workspace};
use crate::conformance::webhooks::endpoint;
use crate::conformance::{Deliveries, race};
use crate::webhooks::{
    CustomHeaders, Endpoint, EndpointState, FieldFilter, Format, Ordering, Scheme, SealedSecret, Target,
};

/// `endpoint` changed once.
fn changed(endpoint: &Endpoint, description: &str) -> Endpoint {
    let version = endpoint.version + 1;
    Endpoint { description: Some(description.to_owned()), updated_at: at(90), version, ..endpoint.clone() }
}

async fn updates(on: &Deliveries, endpoint: &Endpoint) -> bool {
    on.endpoints.update_endpoint(endpoint, &[]).await.expect("an outcome")
}

async fn kept(on: &Deliveries, n: u8) -> Option<Endpoint> {
    on.endpoints.endpoint(workspace(1), endpoint(n).id).await.expect("a look")
}

/// Clauses 6 and 4.
pub async fn an_update_is_made_to_the_version_before_it_alone(on: Deliveries) {
    on.register(&[endpoint(1), endpoint(2)]).await;
    let second = changed(&endpoint(1), "second");
    for stale in [0, 1, 3, 4] {
        assert!(!updates(&on, &Endpoint { version: stale, ..second.clone() }).await, "version {stale}");
    }
    assert!(!updates(&on, &Endpoint { workspace: workspace(2), ..second.clone() }).await);
    assert!(!updates(&on, &changed(&endpoint(3), "nobody")).await);
    assert_eq!(kept(&on, 1).await, Some(endpoint(1)));
    assert!(updates(&on, &second).await);
    assert!(!updates(&on, &second).await);
    assert!(updates(&on, &changed(&second, "third")).await);
    assert_eq!(kept(&on, 1).await, Some(changed(&second, "third")));
    assert_eq!((kept(&on, 2).await, kept(&on, 3).await), (Some(endpoint(2)), None));
}

/// Clause 2.
pub async fn an_update_keeps_every_field(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let full = Endpoint {
        target: Target::stored("https://hooks.example/?b='\"%25"),
        events: Vec::new(),
        filter: FieldFilter::stored(r#"{"subject":["lnk_1"]}"#).expect("a filter"),
        headers: CustomHeaders::stored(r#"{"x-env":"a \"b'"}"#).expect("headers"),
        format: Format::CloudEvents,
        payload_version: 9,
        ordering: Ordering::Subject,
        rate_limit: std::num::NonZeroU32::new(7),
        concurrency: std::num::NonZeroU16::MIN,
        state: EndpointState::Gone,
        verified_at: Some(at(3)),
        scheme: Scheme::Ed25519,
        secrets: vec![SealedSecret { sealed: vec![0, 255], made_at: at(4), ends_at: Some(at(5)) }],
        ..changed(&endpoint(1), "Größe 'n\" 日本")
    };
    assert!(updates(&on, &full).await);
    assert_eq!(kept(&on, 1).await.as_ref(), Some(&full));
    let bare = Endpoint { version: 3, ..endpoint(1) };
    assert!(updates(&on, &bare).await);
    assert_eq!(kept(&on, 1).await, Some(bare));
}

/// Clause 6: both or neither.
pub async fn an_update_tells_its_events_if_it_is_made(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let second = changed(&endpoint(1), "second");
    let told = [1, 2].map(|n| fixtures::event(n, "whk_1"));
    let stale = Endpoint { version: 1, ..second.clone() };
    assert!(!on.endpoints.update_endpoint(&stale, &told).await.expect("an outcome"));
    assert_eq!(on.outbox.claim(9, at(0), LEASE).await.expect("a claim"), []);
    assert!(on.endpoints.update_endpoint(&second, &told).await.expect("an outcome"));
    assert!(!on.endpoints.update_endpoint(&second, &told).await.expect("an outcome"));
    let entries = on.outbox.claim(9, at(0), LEASE).await.expect("a claim");
    assert_eq!(entries.into_iter().map(|entry| entry.event).collect::<Vec<_>>(), told);
}

/// Clause 6: in a race.
pub async fn of_many_who_update_one_version_one_does(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let racers = (1..=12_u64).map(|n| {
        let on = on.clone();
        async move {
            let mine = changed(&endpoint(1), &n.to_string());
            let told = fixtures::event(n, "whk_1");
            let is_mine = on.endpoints.update_endpoint(&mine, std::slice::from_ref(&told)).await.expect("an outcome");
            is_mine.then_some((mine, told))
        }
    });
    let won: Vec<_> = race(racers).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    let (mine, told) = &won[0];
    assert_eq!(kept(&on, 1).await.as_ref(), Some(mine));
    let entries = on.outbox.claim(99, at(0), LEASE).await.expect("a claim");
    assert_eq!(entries.iter().map(|entry| &entry.event).collect::<Vec<_>>(), [told]);
}

/// Clause 7: and what became of it; what is owed to others stays.
pub async fn with_an_endpoint_goes_what_is_owed_to_it(on: Deliveries) {
    on.register(&[endpoint(1), endpoint(2)]).await;
    let all = deliveries(&endpoint(1), 1..=3);
    on.owe(&all, 5).await;
    let claimed = on.claim_one(5).await;
    on.release(&claimed, vec![arrived(&all[0], 5)]).await;
    on.owe(&deliveries(&endpoint(2), 1..=2), 6).await;
    assert!(!on.endpoints.delete_endpoint(workspace(2), endpoint(1).id).await.expect("an outcome"));
    assert_eq!(on.waiting().await, 4);
    assert!(on.endpoints.delete_endpoint(workspace(1), endpoint(1).id).await.expect("an outcome"));
    assert_eq!(on.waiting().await, 2);
    assert_eq!(endpoints_of(&on.claim(ALL, 7).await), [endpoint(2).id]);
    assert_eq!((page(&on, &query(9)).await.0, on.find(&all[0]).await), (Vec::new(), None));
    assert_eq!(on.enqueue(&all, 8).await, 0);
    on.register(&[endpoint(1)]).await;
    assert_eq!((on.waiting().await, page(&on, &query(9)).await.0), (2, Vec::new()), "nothing of it is left");
}

/// Clause 8.
pub async fn subscribers_are_the_enabled_endpoints_of_the_workspaces(on: Deliveries) {
    let states = [EndpointState::Enabled, EndpointState::Disabled, EndpointState::Failing, EndpointState::Gone];
    let mut all = Vec::new();
    for (n, state) in (1..).zip(states) {
        all.push(Endpoint { state, ..endpoint(n) });
        all.push(Endpoint { state, workspace: workspace(2), ..endpoint(10 + n) });
    }
    all.push(Endpoint { workspace: workspace(3), ..endpoint(20) });
    on.register(&all).await;
    let subscribers = async |workspaces: &[u64]| {
        let workspaces: Vec<_> = workspaces.iter().map(|n| workspace(*n)).collect();
        let mut found = on.endpoints.subscribers(&workspaces).await.expect("endpoints");
        found.sort_by_key(|endpoint| endpoint.id);
        found
    };
    assert_eq!(subscribers(&[1]).await, [all[0].clone()]);
    assert_eq!(subscribers(&[2, 1, 9]).await, [all[0].clone(), all[1].clone()]);
    assert_eq!((subscribers(&[]).await, subscribers(&[9]).await), (Vec::new(), Vec::new()));
    let enabled = Endpoint { state: EndpointState::Enabled, ..changed(&all[2], "again") };
    let disabled = Endpoint { state: EndpointState::Disabled, ..changed(&all[0], "no more") };
    assert!(updates(&on, &enabled).await && updates(&on, &disabled).await);
    assert_eq!(subscribers(&[1]).await, [enabled]);
}
