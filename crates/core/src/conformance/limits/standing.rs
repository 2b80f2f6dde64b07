//! Clauses 2 to 5: what is told, and what is left alone.

use std::time::Duration;

use super::{ALL, Limiter, decided, policy};
use crate::conformance::fixtures::at;
use crate::limits::{Decision, Policy};

/// Clause 2: for any cost that can be admitted at all.
pub async fn who_waits_as_told_is_admitted(limiter: Limiter) {
    for algorithm in ALL {
        let policy = policy(algorithm, 10, 60);
        for cost in [1, 4, 10] {
            let key = format!("waits-{cost}");
            decided(&limiter, &policy, &key, 6, at(10)).await;
            decided(&limiter, &policy, &key, 4, at(20)).await;
            let now = at(30);
            match decided(&limiter, &policy, &key, cost, now).await {
                Decision::Deny { retry_after, .. } => {
                    assert!(!retry_after.is_zero());
                    let later = decided(&limiter, &policy, &key, cost, now + retry_after).await;
                    assert!(later.is_allowed(), "{algorithm:?}: {cost} after {retry_after:?}");
                }
                Decision::Allow(standing) if cost == 10 => panic!("{algorithm:?}: {standing:?}"),
                // A bucket has refilled by some by now.
                Decision::Allow(_) => {}
            }
        }
    }
}

/// Clause 3: exactly so much, and no more.
pub async fn remaining_is_what_can_be_admitted(limiter: Limiter) {
    for algorithm in ALL {
        let policy = policy(algorithm, 10, 60);
        let first = decided(&limiter, &policy, "told", 3, at(30)).await;
        assert_eq!((first.is_allowed(), first.standing().limit, first.standing().remaining), (true, 10, 7));
        let denied = decided(&limiter, &policy, "told", 8, at(30)).await;
        assert_eq!((denied.is_allowed(), denied.standing().remaining), (false, 7), "{algorithm:?}");
        let rest = decided(&limiter, &policy, "told", 7, at(30)).await;
        assert_eq!((rest.is_allowed(), rest.standing().remaining), (true, 0), "{algorithm:?}");
        assert!(!decided(&limiter, &policy, "told", 1, at(30)).await.is_allowed());
    }
}

/// Clause 3.
pub async fn after_reset_the_full_quota_is_there(limiter: Limiter) {
    for algorithm in ALL {
        let policy = policy(algorithm, 10, 60);
        decided(&limiter, &policy, "reset", 4, at(30)).await;
        let standing = decided(&limiter, &policy, "reset", 3, at(35)).await.standing();
        assert!(!standing.reset.is_zero());
        assert!(decided(&limiter, &policy, "reset", 10, at(35) + standing.reset).await.is_allowed(), "{algorithm:?}");
    }
}

/// Clause 4: not even keys that look alike.
pub async fn keys_do_not_touch_each_other(limiter: Limiter) {
    for algorithm in ALL {
        let policy = policy(algorithm, 2, 60);
        for key in ["key", "KEY", "key ", "", "key:1", "ключ", "sliding:key"] {
            for expected in [true, true, false] {
                let decision = decided(&limiter, &policy, key, 1, at(30)).await;
                assert_eq!(decision.is_allowed(), expected, "{algorithm:?}: {key:?}");
            }
        }
    }
}

/// Clause 4: two policies of one algorithm under one key.
pub async fn policies_do_not_touch_each_other(limiter: Limiter) {
    for algorithm in ALL {
        let named = |name, quota| Policy::new(name, algorithm, quota, Duration::from_secs(60)).expect("a valid policy");
        for policy in [named("one", 2), named("other", 3), named("one-more", 1)] {
            let key = format!("{algorithm:?}");
            for n in 0..5 {
                let decision = decided(&limiter, &policy, &key, 1, at(30)).await;
                assert_eq!(decision.is_allowed(), n < policy.quota(), "{policy:?}");
            }
        }
    }
}

/// Clause 5: however often it is asked.
pub async fn a_cost_that_is_denied_takes_nothing(limiter: Limiter) {
    for algorithm in ALL {
        let policy = policy(algorithm, 10, 60);
        decided(&limiter, &policy, "denied", 6, at(30)).await;
        for _ in 0..5 {
            let denied = decided(&limiter, &policy, "denied", 5, at(30)).await;
            assert_eq!((denied.is_allowed(), denied.standing().remaining), (false, 4), "{algorithm:?}");
        }
        assert!(decided(&limiter, &policy, "denied", 4, at(30)).await.is_allowed(), "{algorithm:?}");
    }
}

/// Clauses 1 and 5: not even with the full quota there, and it leaves that untouched.
pub async fn a_cost_above_the_quota_is_never_admitted(limiter: Limiter) {
    for algorithm in ALL {
        let policy = policy(algorithm, 5, 60);
        for now in [at(30), at(1_000)] {
            assert!(!decided(&limiter, &policy, "too-much", 6, now).await.is_allowed(), "{algorithm:?}");
            assert!(decided(&limiter, &policy, "too-much", 5, now).await.is_allowed(), "{algorithm:?}");
        }
    }
}
