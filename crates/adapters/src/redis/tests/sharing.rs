//! Several nodes, whose clocks need not agree.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use waypost_core::clock::{Clock, SystemClock};
use waypost_core::limits::{Algorithm, Policy, RateLimiter};

use super::server::{Persistence, Server};
use crate::redis::RedisRateLimiter;

/// A node's clock that is wrong by so much.
#[derive(Debug)]
struct WrongClock(SignedDuration);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        SystemClock.sleep_until(at - self.0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_admit_the_quota_together_whatever_their_clocks_say() {
    let server = Server::start(Persistence::None).await;
    for algorithm in [Algorithm::TokenBucket, Algorithm::SlidingWindow, Algorithm::FixedWindow] {
        // So long a window that nothing comes back, and no edge is met, while this test runs.
        let policy = Policy::new("shared", algorithm, 100, Duration::from_secs(2_678_400)).expect("a policy");
        let mut asking = Vec::new();
        for wrong in [0, 86_400 * 40, -86_400 * 40, 2] {
            let clock: Arc<dyn Clock> = Arc::new(WrongClock(SignedDuration::from_secs(wrong)));
            let limiter = RedisRateLimiter::new(&server.open().await, Arc::clone(&clock));
            let policy = policy.clone();
            asking.push(tokio::spawn(async move {
                let mut admitted = 0;
                for _ in 0..60 {
                    let decision = limiter.decide(&policy, "key", 1, clock.now()).await.expect("a decision");
                    admitted += u32::from(decision.is_allowed());
                }
                admitted
            }));
        }
        let mut admitted = 0;
        for node in asking {
            admitted += node.await.expect("no panic");
        }
        assert_eq!(admitted, 100, "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_key_is_gone_once_its_full_quota_is_there_again() {
    let server = Server::start(Persistence::None).await;
    let redis = server.open().await;
    let limiter = RedisRateLimiter::new(&redis, Arc::new(SystemClock));
    for (algorithm, most) in
        [(Algorithm::TokenBucket, 61), (Algorithm::SlidingWindow, 171), (Algorithm::FixedWindow, 161)]
    {
        let policy = Policy::new("kept", algorithm, 100, Duration::from_secs(100)).expect("a policy");
        limiter.decide(&policy, "key", 1, SystemClock.now()).await.expect("a decision");
        let keys: Vec<String> = redis.query(redis::cmd("KEYS").arg("*:limit:*")).await.expect("the keys");
        assert_eq!(keys.len(), 1, "{algorithm:?}");
        let left: i64 = redis.query(redis::cmd("TTL").arg(&keys[0])).await.expect("its time");
        assert!((60..=most).contains(&left), "{algorithm:?}: {left}");
        redis.query::<()>(&redis::cmd("FLUSHALL")).await.expect("flushed");
    }
}
