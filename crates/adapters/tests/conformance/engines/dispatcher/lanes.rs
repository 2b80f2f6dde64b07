//! Limits and order, which hold for an endpoint over all nodes.

use std::num::{NonZeroU16, NonZeroU32};

use super::*;
use waypost_core::webhooks::Ordering;

#[tokio::test]
async fn a_rate_limit_holds() {
    let bench = Bench::new();
    let limited = Endpoint { rate_limit: NonZeroU32::new(5), ..endpoint(1) };
    let endpoint = bench.registered_as(limited).await;
    bench.owes(&endpoint, 1..=50, 7).await;
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    let mut counts = vec![bench.receivers.count()];
    for _ in 0..4 {
        bench.pass(&mut dispatcher, seconds(1), Duration::from_millis(50)).await;
        counts.push(bench.receivers.count());
    }
    assert_eq!(counts, [5, 10, 15, 20, 25]);
    // What one node used up, the next knows.
    dispatcher.finish().await.unwrap();
    bench.run(&mut bench.dispatcher()).await;
    assert_eq!(bench.receivers.count(), 25);
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_an_endpoint_allows() {
    let bench = Bench::new();
    let narrow = Endpoint { concurrency: NonZeroU16::new(3).unwrap(), ..endpoint(1) };
    let endpoint = bench.registered_as(narrow).await;
    bench.receivers.say(&endpoint, |_| Answer::Hang);
    bench.owes(&endpoint, 1..=50, 7).await;
    let (mut one, mut other) = (bench.dispatcher(), bench.dispatcher());
    bench.run(&mut one).await;
    bench.run(&mut other).await;
    assert_eq!(bench.receivers.hanging.load(SeqCst), 3, "on all nodes together");
    bench.receivers.let_go.notify_waiters();
}

#[tokio::test]
async fn deliveries_of_a_subject_go_one_after_the_other_and_a_failure_holds_up_its_own_subject_only() {
    let bench = Bench::new();
    let ordered = Endpoint { ordering: Ordering::Subject, ..endpoint(1) };
    let endpoint = bench.registered_as(ordered).await;
    let stuck = event(3, "any").id.to_string();
    let mut fails = 3;
    bench.receivers.say(&endpoint, move |call| {
        let is_stuck = header(call, "webhook-id") == stuck && fails > 0;
        fails -= i32::from(is_stuck);
        Answer::Status(if is_stuck { 500 } else { 200 })
    });
    bench.owes(&endpoint, 1..=300, 3).await;
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    let arrived = |subject: u64| (1..=300).filter(move |n| n % 3 == subject).map(|n| event(n, "any").id.to_string());
    let brought = bench.receivers.brought(&endpoint);
    assert_eq!(brought.len(), 201, "two subjects, and the first call of the third");
    for subject in [1, 2] {
        let own: Vec<_> = arrived(subject).collect();
        let seen: Vec<_> = brought.iter().filter(|id| own.contains(id)).cloned().collect();
        assert_eq!(seen, own, "in order");
    }
    assert_eq!(bench.state(&endpoint, 6).await, DeliveryState::Waiting(None));
    bench.pass(&mut dispatcher, seconds(4 * 3_600), seconds(60)).await;
    let own: Vec<_> = arrived(0).collect();
    let mut seen: Vec<_> = bench.receivers.brought(&endpoint).into_iter().filter(|id| own.contains(id)).collect();
    assert_eq!(seen.len(), 103, "three calls more for the one that failed");
    seen.dedup();
    assert_eq!(seen, own);
}
