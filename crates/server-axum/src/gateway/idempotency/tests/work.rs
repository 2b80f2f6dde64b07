//! The work: carried out once, and to its end.

use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_at_once_one_is_carried_out() {
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let doors = (entered.clone(), gate.clone());
    let (router, runs) = served(layer(), move |_| {
        let (entered, gate) = doors.clone();
        async move {
            entered.add_permits(1);
            let _open = gate.acquire().await;
            (StatusCode::CREATED, "made").into_response()
        }
    });
    let race = || {
        let all = (0..50).map(|_| {
            let router = router.clone();
            tokio::spawn(async move { answer(&router, keyed("race", "same")).await })
        });
        join_all(all.collect::<Vec<_>>())
    };
    // The first fifty meet the work while it runs; fifty more come as it ends.
    let first = tokio::spawn(race());
    entered.acquire().await.expect("the work began").forget();
    let more = tokio::spawn(race());
    gate.add_permits(100);
    let (first, more) = (first.await.expect("answers"), more.await.expect("answers"));
    let mut made = 0;
    for outcome in first.into_iter().chain(more) {
        let (status, headers, body) = outcome.expect("no panic");
        match status.as_u16() {
            201 if headers.contains_key("idempotent-replayed") => assert_eq!(body, "made"),
            201 => made += 1,
            status => assert!(status == 409 && headers.contains_key("retry-after"), "{status}"),
        }
    }
    assert_eq!((made, runs.load(Ordering::SeqCst)), (1, 1));
    let (status, headers, _) = answer(&router, keyed("race", "same")).await;
    assert_eq!((status.as_u16(), &headers["idempotent-replayed"]), (201, &"true".parse().expect("a value")));
}

#[tokio::test]
async fn the_work_goes_on_when_its_client_hangs_up() {
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let doors = (entered.clone(), gate.clone());
    let works = TaskTracker::new();
    let (router, runs) = served(layer().tracked_by(works.clone()), move |_| {
        let (entered, gate) = doors.clone();
        async move {
            entered.add_permits(1);
            let _open = gate.acquire().await;
            (StatusCode::CREATED, "made").into_response()
        }
    });
    let client = tokio::spawn(router.clone().oneshot(keyed("k", "order")));
    entered.acquire().await.expect("the work began").forget();
    client.abort();
    assert!(client.await.expect_err("hung up").is_cancelled());
    assert_eq!(status(&router, keyed("k", "order")).await, 409);

    gate.add_permits(1);
    works.close();
    works.wait().await;
    let (status, headers, body) = answer(&router, keyed("k", "order")).await;
    assert_eq!((status.as_u16(), &body[..]), (201, &b"made"[..]));
    assert_eq!((runs.load(Ordering::SeqCst), headers.contains_key("idempotent-replayed")), (1, true));
}

#[tokio::test]
async fn a_panic_is_passed_on_and_frees_the_key() {
    let (router, _) = served(layer(), |run| async move {
        assert!(run > 0, "the first run panics, as this test wants it to");
        "done".into_response()
    });
    assert_eq!(status(&router, keyed("k", "")).await, 500);
    let (status, headers, _) = answer(&router, keyed("k", "")).await;
    assert!(status.is_success() && !headers.contains_key("idempotent-replayed"));
}
