//! Which target is picked.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::proxy::config::{Section, Vocabulary, check};

fn upstream(targets: Value, more: Value) -> Upstream {
    let mut entry = json!({"name": "a", "targets": targets});
    for (key, value) in more.as_object().cloned().unwrap_or_default() {
        entry[key] = value;
    }
    let section = Section::read(json!({"version": 1, "upstreams": [entry]})).unwrap();
    Upstream::build(&check(&section, &Vocabulary::default()).unwrap().upstreams[0], None).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_000_000).unwrap()
}

fn url(attempt: &Attempt) -> String {
    attempt.target().expect("it holds a place").url().to_owned()
}

#[test]
fn another_one_is_picked_while_there_is_one_and_the_same_where_there_is_none() {
    let two = upstream(json!([{"url": "http://a"}, {"url": "http://b"}]), Value::Null);
    let tried: Vec<Arc<Target>> = two.targets().take(1).cloned().collect();
    for _ in 0..20 {
        assert_eq!(url(&two.pick(&tried, now()).unwrap()), "http://b");
    }
    let one = upstream(json!([{"url": "http://a"}, {"url": "http://b", "weight": 0}]), Value::Null);
    let tried: Vec<Arc<Target>> = one.targets().take(1).cloned().collect();
    assert_eq!(url(&one.pick(&tried, now()).unwrap()), "http://a", "what has no weight is no other one");
}

#[test]
fn a_place_is_held_until_it_is_dropped_and_noted_or_not() {
    let one = upstream(json!([{"url": "http://a"}]), json!({"max_in_flight": 2}));
    let target = one.targets().next().unwrap().clone();
    let (first, second) = (one.pick(&[], now()).unwrap(), one.pick(&[], now()).unwrap());
    assert!(one.pick(&[], now()).is_err());
    assert_eq!(target.in_flight(), 2);
    let place = one.note(first, Outcome::Answered, now());
    assert_eq!(target.in_flight(), 2, "until the body is through");
    drop((place, second));
    assert_eq!(target.in_flight(), 0);
}

#[test]
fn nobody_can_be_asked_while_the_breaker_rests_and_one_trial_at_a_time_after_it() {
    let breaker = json!({"requests": 1, "open_for": "7s", "trials": 1});
    let one = upstream(json!([{"url": "http://a"}]), json!({"breaker": breaker}));
    let attempt = one.pick(&[], now()).unwrap();
    one.note(attempt, Outcome::Failed, now());
    let wait = one.pick(&[], now()).unwrap_err().retry_after;
    assert_eq!(wait.as_secs(), 7);
    let later = now() + wait;
    let trial = one.pick(&[], later).unwrap();
    assert!(one.pick(&[], later).is_err());
    drop(trial);
    let again = one.pick(&[], later).expect("a trial that came to nothing lets the next one try");
    one.note(again, Outcome::Answered, later);
    assert!(one.pick(&[], later).is_ok());
}

#[test]
fn a_fault_of_the_targets_own_does_not_open_the_breaker() {
    assert_eq!(Outcome::of_status(http::StatusCode::INTERNAL_SERVER_ERROR), Outcome::Faulty);
    assert_eq!(Outcome::of_status(http::StatusCode::NOT_IMPLEMENTED), Outcome::Answered);
    assert_eq!(Outcome::of_status(http::StatusCode::SERVICE_UNAVAILABLE), Outcome::Failed);
    let breaker = json!({"requests": 1});
    let one = upstream(json!([{"url": "http://a"}]), json!({"breaker": breaker}));
    for _ in 0..20 {
        let attempt = one.pick(&[], now()).unwrap();
        one.note(attempt, Outcome::Faulty, now());
    }
    assert_eq!(one.targets().next().unwrap().breaker_state(), "closed");
}

#[test]
fn who_takes_no_requests_anyway_does_not_count_among_those_that_stay() {
    let targets = json!([
        {"url": "http://a"}, {"url": "http://b"}, {"url": "http://ill"}, {"url": "http://off", "weight": 0}
    ]);
    let more = json!({"ejection": {"failures": 1}, "breaker": {"requests": 1_000}});
    let upstream = upstream(targets, more);
    let ill = upstream.targets().find(|target| target.url() == "http://ill").unwrap();
    ill.is_well.store(false, std::sync::atomic::Ordering::Relaxed);
    for _ in 0..20 {
        let attempt = upstream.pick(&[], now()).expect("one of the two stays, however much fails");
        upstream.note(attempt, Outcome::Failed, now());
    }
    let ejected = upstream.targets().filter(|target| target.standing.ejected(now()).is_some()).count();
    assert_eq!(ejected, 1);
}
