//! Deliveries that fail.

use super::*;
use waypost_core::webhooks::{EndpointState, RETRIES, Redrive, Which};

#[tokio::test]
async fn a_delivery_is_tried_by_the_schedule_and_then_given_up() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::Status(500));
    bench.owes(&endpoint, 1..=1, 1).await;
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    for (n, wait) in (1..).zip(RETRIES) {
        let attempts = bench.attempts(&endpoint, 1).await;
        assert_eq!(attempts.len(), n);
        let DeliveryState::Waiting(Some(due)) = bench.state(&endpoint, 1).await else { panic!("it waits") };
        let waits = due.duration_since(attempts[n - 1].at).as_secs_f64() / wait.as_secs_f64();
        assert!((0.8..=1.2).contains(&waits), "{waits} of {wait:?}");
        bench.clock.advance(due.duration_since(bench.now()).unsigned_abs() - Duration::from_millis(1));
        bench.run(&mut dispatcher).await;
        assert_eq!(bench.attempts(&endpoint, 1).await.len(), n, "not before its moment");
        bench.clock.advance(Duration::from_millis(1));
        bench.run(&mut dispatcher).await;
    }
    let attempts = bench.attempts(&endpoint, 1).await;
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    assert_eq!(bench.state(&endpoint, 1).await, DeliveryState::Failed("10 calls failed".to_owned()));
    let brought = bench.receivers.brought(&endpoint);
    assert!(brought.len() == 10 && brought.iter().all(|id| *id == brought[0]), "the same id on each try");
}

#[tokio::test]
async fn a_receiver_that_says_when_to_come_back_is_not_called_before() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::Later(503, seconds(600)));
    bench.owes(&endpoint, 1..=1, 1).await;
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    bench.owes(&endpoint, 2..=9, 1).await;
    bench.pass(&mut dispatcher, seconds(580), seconds(20)).await;
    assert_eq!(bench.receivers.count(), 1, "neither that one nor any other");
    bench.receivers.say(&endpoint, |_| Answer::Status(204));
    bench.pass(&mut dispatcher, seconds(30), seconds(1)).await;
    assert_eq!(bench.receivers.count(), 10);
}

#[tokio::test]
async fn whatever_the_status_a_delivery_is_not_tried_again_before_the_receiver_wants_it() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::Later(500, seconds(600)));
    bench.owes(&endpoint, 1..=1, 1).await;
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    bench.receivers.say(&endpoint, |_| Answer::Status(200));
    // Others go on: it said nothing of its load.
    bench.owes(&endpoint, 2..=2, 1).await;
    bench.pass(&mut dispatcher, seconds(590), seconds(10)).await;
    assert_eq!(bench.receivers.count(), 2);
    bench.pass(&mut dispatcher, seconds(20), seconds(10)).await;
    assert_eq!(bench.receivers.count(), 3);
}

#[tokio::test]
async fn what_an_old_address_answered_does_not_disable_the_new_one() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::HangThen(410));
    bench.owes(&endpoint, 1..=1, 1).await;
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    bench.clock.advance(seconds(2));
    let mended = Endpoint { updated_at: bench.now(), version: 2, ..endpoint.clone() };
    assert!(bench.store.update_endpoint(&mended, &[]).await.unwrap());
    bench.run(&mut dispatcher).await;
    bench.receivers.let_go.notify_waiters();
    bench.run(&mut dispatcher).await;
    assert_eq!(bench.store.endpoint(workspace(1), endpoint.id).await.unwrap(), Some(mended));
    assert!(matches!(bench.state(&endpoint, 1).await, DeliveryState::Waiting(_)));
}

#[tokio::test]
async fn gone_disables_the_endpoint_and_tells_of_it() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::Status(410));
    bench.owes(&endpoint, 1..=1, 1).await;
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    let kept = bench.store.endpoint(workspace(1), endpoint.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.version), (EndpointState::Gone, 2));
    let told = bench.told().await;
    assert_eq!(told.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["webhook.disabled"]);
    assert!(told[0].data.as_str().contains("\"disabled_reason\":\"gone\""), "{:?}", told[0].data);
    bench.owes(&endpoint, 2..=200, 1).await;
    bench.run(&mut dispatcher).await;
    assert_eq!(bench.receivers.count(), 1, "nothing more is sent there");
    for n in [1, 2, 200] {
        assert!(matches!(bench.state(&endpoint, n).await, DeliveryState::Failed(_)), "{n}");
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_for_five_days_is_disabled_and_its_owner_warned_before() {
    const HOUR: u64 = 3_600;
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::Status(500));
    let mut dispatcher = bench.dispatcher();
    let mut told = Vec::new();
    for day in 1..=6 {
        for hour in 0..24 {
            let n = (day - 1) * 24 + hour + 1;
            bench.owes(&endpoint, n..=n, 1).await;
            bench.pass(&mut dispatcher, seconds(HOUR), seconds(HOUR / 2)).await;
        }
        let events = bench.told().await;
        told.push(events.iter().map(|event| event.kind.to_string()).collect::<Vec<_>>().join(" "));
        let kept = bench.store.endpoint(workspace(1), endpoint.id).await.unwrap().unwrap();
        assert_eq!(kept.state == EndpointState::Enabled, day < 6, "day {day}");
    }
    assert_eq!(told, ["", "webhook.failing", "", "webhook.failing", "webhook.failing", "webhook.disabled"]);
    assert_eq!(bench.waiting().await, 0, "what it was owed is given up");
}

#[tokio::test]
async fn what_waits_for_a_disabled_endpoint_is_given_up_without_a_call_and_can_be_asked_for_again() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.owes(&endpoint, 1..=300, 1).await;
    let disabled = Endpoint { state: EndpointState::Disabled, version: 2, ..endpoint.clone() };
    assert!(bench.store.update_endpoint(&disabled, &[]).await.unwrap());
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    assert_eq!(bench.receivers.count(), 0);
    assert_eq!(bench.state(&endpoint, 300).await, DeliveryState::Failed("the endpoint is disabled".to_owned()));
    let enabled = Endpoint { version: 3, ..endpoint.clone() };
    assert!(bench.store.update_endpoint(&enabled, &[]).await.unwrap());
    let which = Which::Failed { since: None, until: None, types: Vec::new(), classes: Vec::new() };
    let again = Redrive { workspace: workspace(1), endpoint: endpoint.id, which };
    assert_eq!(DeliveryQueue::redrive(&*bench.store, &again, 1_000, bench.now()).await.unwrap(), 300);
    bench.run(&mut dispatcher).await;
    assert_eq!(bench.receivers.count(), 300);
}
