//! How fast the limiter in memory decides, beside governor, the limiter that Rust programs use most.
//!
//! `cargo bench --bench limits --features memory` (`-- --rounds N` for more rounds).
//!
//! Both count 10,000 keys in turns, in the same process and the same order, with one thread and with two; each round's
//! ratio is taken within the round, and the median is reported. governor reads its own clock in each call, and so does
//! ours. What is compared is the token bucket, the one algorithm that governor has. The target is 0.8.

#![allow(clippy::disallowed_methods, reason = "a bench measures for real")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use governor::{DefaultKeyedRateLimiter, Quota};
use waypost::clock::{Clock, SystemClock};
use waypost::limits::{Algorithm, Policy, RateLimiter};
use waypost::memory::MemoryRateLimiter;

const KEYS: usize = 10_000;
/// Decisions of each thread in a round.
const DECISIONS: usize = 1_000_000;
/// High enough that all are admitted: a denial is the cheaper path in both.
const QUOTA: u32 = 100_000_000;
const TARGET: f64 = 0.8;

fn main() {
    let rounds = std::env::args().skip_while(|argument| argument != "--rounds").nth(1);
    let rounds = rounds.and_then(|text| text.parse().ok()).unwrap_or(9);
    let keys: Arc<Vec<String>> = Arc::new((0..KEYS).map(|n| format!("key_01JD3X8M2V7Q5T9B4C6E{n:06}")).collect());
    let bare = Arc::new(DefaultKeyedRateLimiter::keyed(Quota::per_minute(NonZeroU32::new(QUOTA).expect("not zero"))));
    let ours = Arc::new(MemoryRateLimiter::default());
    let policy = Policy::new("api", Algorithm::TokenBucket, QUOTA, Duration::from_secs(60)).expect("a policy");
    for threads in [1, 2] {
        let mut ratios = Vec::new();
        let mut nanos = (0.0, 0.0);
        for round in 0..=rounds {
            let (limiter, names) = (bare.clone(), keys.clone());
            let governor = time(threads, move |from| {
                for n in 0..DECISIONS {
                    assert!(limiter.check_key(&names[place(from, n)]).is_ok());
                }
            });
            let (limiter, names, policy) = (ours.clone(), keys.clone(), policy.clone());
            let waypost = time(threads, move |from| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                runtime.block_on(async {
                    for n in 0..DECISIONS {
                        let decision = limiter.decide(&policy, &names[place(from, n)], 1, SystemClock.now()).await;
                        assert!(decision.expect("memory is there").is_allowed());
                    }
                });
            });
            // The first round warms both up.
            if round > 0 {
                ratios.push(governor.as_secs_f64() / waypost.as_secs_f64());
                nanos = (per_decision(governor), per_decision(waypost));
            }
        }
        ratios.sort_by(f64::total_cmp);
        let median = ratios[ratios.len() / 2];
        let verdict = if median >= TARGET { "met" } else { "missed" };
        println!(
            "{threads} thread(s): {median:.2} of governor's decisions a second ({TARGET}: {verdict}); rounds {:.2} to {:.2}; \
             last round {:.0} ns beside {:.0} ns a decision",
            ratios[0],
            ratios[ratios.len() - 1],
            nanos.1,
            nanos.0,
        );
    }
}

/// Threads begin at different keys and step through them in an order that no cache guesses.
fn place(from: usize, n: usize) -> usize {
    (from + n * 7_919) % KEYS
}

fn time(threads: usize, work: impl Fn(usize) + Clone + Send + 'static) -> Duration {
    let began = Instant::now();
    let running: Vec<_> = (0..threads)
        .map(|thread| {
            let work = work.clone();
            thread::spawn(move || work(thread * KEYS / 2))
        })
        .collect();
    running.into_iter().for_each(|thread| thread.join().expect("no panic"));
    began.elapsed()
}

fn per_decision(took: Duration) -> f64 {
    took.as_nanos() as f64 / DECISIONS as f64
}
