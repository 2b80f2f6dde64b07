//! The layers, on calls that are made up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{Budget, Call, Fault, Faulty, Layer, Repeat, Retry, RetryOptions, Timeout, Work};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::entropy::SeededEntropy;
use crate::error::{Kind, Result};
use crate::outbox::Backoff;

const SAFE: Call = Call { port: "links", name: "get", repeat: Repeat::Safe };
const UNSAFE: Call = Call { port: "links", name: "write", repeat: Repeat::Never };

/// A call that counts how often it was made.
async fn made(layer: &impl Layer, call: Call, times: &AtomicU32) -> Result<u32> {
    layer.around(call, || -> Work<'_, u32> { Box::pin(async { Ok(times.fetch_add(1, Ordering::SeqCst) + 1) }) }).await
}

fn retry(budget: Budget) -> Retry {
    let options = RetryOptions { most: 3, backoff: Backoff { first: Duration::ZERO, longest: Duration::ZERO } };
    Retry::new(Arc::new(SystemClock), Arc::new(SeededEntropy::new(1)), Arc::new(budget), options)
}

fn away() -> Option<Fault> {
    Some(Fault::Before(Kind::Unavailable))
}

#[tokio::test]
async fn a_call_that_finds_the_store_away_is_made_again() {
    let (faulty, times) = (Faulty::default(), AtomicU32::new(0));
    let layer = (retry(Budget::default()), faulty.clone());
    faulty.script([away(), away()]);
    assert_eq!(made(&layer, SAFE, &times).await.expect("the third"), 1);
    faulty.script([away(), away(), away()]);
    assert_eq!(made(&layer, SAFE, &times).await.expect_err("three are all").kind(), Kind::Unavailable);
    assert_eq!(faulty.calls(), 6);
}

#[tokio::test]
async fn a_call_that_is_not_safe_to_repeat_is_made_once() {
    let (faulty, times) = (Faulty::default(), AtomicU32::new(0));
    let layer = (retry(Budget::default()), faulty.clone());
    for fault in [Fault::Before(Kind::Unavailable), Fault::After(Kind::Unavailable)] {
        faulty.script([Some(fault)]);
        assert!(made(&layer, UNSAFE, &times).await.is_err());
    }
    assert_eq!((faulty.calls(), times.into_inner()), (2, 1));
}

#[tokio::test]
async fn what_another_try_cannot_mend_is_not_tried_again() {
    let (faulty, times) = (Faulty::default(), AtomicU32::new(0));
    let layer = (retry(Budget::default()), faulty.clone());
    for kind in [Kind::Timeout, Kind::Internal, Kind::Conflict, Kind::Invalid] {
        faulty.script([Some(Fault::Before(kind))]);
        assert_eq!(made(&layer, SAFE, &times).await.expect_err("at once").kind(), kind);
    }
    assert_eq!(faulty.calls(), 4);
}

#[tokio::test]
async fn an_outage_is_not_multiplied() {
    let (faulty, times) = (Faulty::default(), AtomicU32::new(0));
    let layer = (retry(Budget::new(10)), faulty.clone());
    faulty.always(Fault::Before(Kind::Unavailable));
    for _ in 0..1_000 {
        assert!(made(&layer, SAFE, &times).await.is_err());
    }
    assert_eq!(faulty.calls(), 1_010, "the budget, and then each call once");
    faulty.release();
    for _ in 0..20 {
        made(&layer, SAFE, &times).await.expect("the store is back");
    }
    faulty.script([away(), away(), away(), away()]);
    let before = faulty.calls();
    assert!(made(&layer, SAFE, &times).await.is_err(), "twenty successes earned two repetitions");
    assert!(made(&layer, SAFE, &times).await.is_err());
    assert_eq!(faulty.calls(), before + 4);
}

#[tokio::test]
async fn repetitions_are_spread_in_time() {
    let (clock, faulty, times) = (ManualClock::new(jiff::Timestamp::UNIX_EPOCH), Faulty::default(), AtomicU32::new(0));
    let entropy = Arc::new(SeededEntropy::new(1));
    let retry = Retry::new(Arc::new(clock.clone()), entropy, Arc::new(Budget::default()), RetryOptions::default());
    let layer = (retry, faulty.clone());
    faulty.script([away()]);
    let moves_on = async {
        faulty.met(1).await;
        tokio::task::yield_now().await;
        assert_eq!(faulty.calls(), 1, "it waits");
        clock.advance(Duration::from_millis(50));
    };
    let (outcome, ()) = tokio::join!(made(&layer, SAFE, &times), moves_on);
    assert!(outcome.is_ok());
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_given_up() {
    let (clock, faulty, times) = (ManualClock::new(jiff::Timestamp::UNIX_EPOCH), Faulty::default(), AtomicU32::new(0));
    let layer = (Timeout::new(Arc::new(clock.clone()), Timeout::LIMIT), faulty.clone());
    assert!(made(&layer, UNSAFE, &times).await.is_ok(), "one that takes no time");
    faulty.always(Fault::Hangs);
    let started = clock.now();
    let moves_on = async {
        faulty.met(2).await;
        clock.advance(Duration::from_secs(4));
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(1));
    };
    let (outcome, ()) = tokio::join!(made(&layer, UNSAFE, &times), moves_on);
    let error = outcome.expect_err("five seconds are over");
    assert_eq!((error.kind(), error.is_retryable()), (Kind::Timeout, true));
    assert!(!error.to_string().contains("links"), "text for clients names no part of ours");
    assert_eq!(clock.now().duration_since(started).as_secs(), 5);
    assert_eq!(times.into_inner(), 1);
}

#[tokio::test]
async fn a_script_comes_before_what_is_always_so_and_a_release_ends_both() {
    let (faulty, times) = (Faulty::default(), AtomicU32::new(0));
    faulty.script([None, Some(Fault::After(Kind::Timeout))]);
    faulty.always(Fault::Before(Kind::Unavailable));
    assert!(made(&faulty, SAFE, &times).await.is_ok());
    assert_eq!(made(&faulty, SAFE, &times).await.expect_err("scripted").kind(), Kind::Timeout);
    assert_eq!(made(&faulty, SAFE, &times).await.expect_err("always").kind(), Kind::Unavailable);
    assert_eq!(times.load(Ordering::SeqCst), 2, "the second was made, and its answer lost");
    faulty.script([away()]);
    faulty.release();
    assert!(made(&faulty, SAFE, &times).await.is_ok());
}

#[tokio::test]
async fn a_fault_by_chance_comes_about_as_often_as_it_should() {
    let (faulty, times) = (Faulty::default(), AtomicU32::new(0));
    faulty.by_chance(4, Fault::Before(Kind::Unavailable), Arc::new(SeededEntropy::new(1)));
    for _ in 0..4_000 {
        let _ = made(&faulty, SAFE, &times).await;
    }
    assert!((2_850..3_150).contains(&times.into_inner()));
}
