//! What a dead receiver costs itself.

use super::*;

#[tokio::test]
async fn after_twenty_failures_one_probe_at_a_time_until_it_comes_back() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::Status(500));
    bench.owes(&endpoint, 1..=1_000, 7).await;
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    let opened = bench.receivers.count();
    assert!((20..=64).contains(&opened), "those that were under way when it opened: {opened}");
    bench.pass(&mut dispatcher, seconds(3_600), seconds(5)).await;
    let probes = bench.receivers.count() - opened;
    assert!((10..=20).contains(&probes), "one every five minutes at last, not {probes}");
    bench.receivers.say(&endpoint, |_| Answer::Status(200));
    bench.pass(&mut dispatcher, seconds(24 * 3_600), seconds(600)).await;
    assert_eq!(bench.waiting().await, 0, "everything has arrived");
}

#[tokio::test]
async fn a_circuit_that_is_open_is_open_for_every_node() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::Status(500));
    bench.owes(&endpoint, 1..=100, 7).await;
    bench.run(&mut bench.dispatcher()).await;
    let opened = bench.receivers.count();
    let mut other = bench.dispatcher();
    bench.pass(&mut other, seconds(6), seconds(1)).await;
    assert_eq!(bench.receivers.count(), opened, "what one node learned, the next knows");
    bench.pass(&mut other, seconds(400), seconds(1)).await;
    assert!(bench.receivers.count() > opened);
}

#[tokio::test]
async fn a_receiver_that_hangs_and_one_that_is_down_delay_nobody_else() {
    let bench = Bench::new();
    let (hangs, is_down, well) = (bench.registered(1).await, bench.registered(2).await, bench.registered(3).await);
    bench.receivers.say(&hangs, |_| Answer::Hang);
    bench.receivers.say(&is_down, |_| Answer::Status(502));
    for endpoint in [&hangs, &is_down] {
        bench.owes(endpoint, 1..=1_000, 7).await;
    }
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    for n in 1..=100 {
        bench.owes(&well, n..=n, 1).await;
        bench.run(&mut dispatcher).await;
        assert_eq!(bench.receivers.brought(&well).len(), n as usize, "at the very moment that it was owed");
        bench.clock.advance(Duration::from_millis(10));
    }
    assert_eq!(bench.receivers.hanging.load(SeqCst), 8, "one that hangs gets no more than its first window");
    bench.receivers.let_go.notify_waiters();
}

#[tokio::test]
async fn each_time_out_halves_what_a_receiver_gets_at_a_time() {
    let bench = Bench::new();
    let endpoint = bench.registered(1).await;
    bench.receivers.say(&endpoint, |_| Answer::Hang);
    bench.owes(&endpoint, 1..=100, 7).await;
    let mut dispatcher = bench.dispatcher();
    bench.run(&mut dispatcher).await;
    let mut windows = Vec::new();
    for _ in 0..3 {
        windows.push(bench.receivers.hanging.load(SeqCst));
        bench.receivers.let_go.notify_waiters();
        bench.run(&mut dispatcher).await;
    }
    assert_eq!(windows, [8, 1, 1]);
}

#[tokio::test]
async fn receivers_that_took_their_time_from_a_good_start_leave_room_for_others() {
    let mut bench = Bench::new();
    bench.options.calls = 64;
    let (mut slow, well) = (Vec::new(), bench.registered(40).await);
    for n in 1..=20 {
        let endpoint = bench.registered(n).await;
        bench.owes(&endpoint, 1..=200, 7).await;
        slow.push(endpoint);
    }
    let mut dispatcher = bench.dispatcher();
    // Their windows are wide by now.
    bench.run(&mut dispatcher).await;
    for endpoint in &slow {
        bench.receivers.say(endpoint, |_| Answer::HangThen(200));
        bench.owes(endpoint, 201..=400, 7).await;
    }
    bench.run(&mut dispatcher).await;
    let before = bench.receivers.brought(&well).len();
    bench.owes(&well, 1..=1, 1).await;
    bench.run(&mut dispatcher).await;
    assert_eq!(bench.receivers.brought(&well).len(), before + 1, "at once");
    bench.receivers.let_go.notify_waiters();
}
