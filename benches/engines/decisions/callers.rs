//! Many who call at once over one connection, as the requests of a node do.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Outcome;

/// Who call, each waiting for its answer.
pub(super) const CALLERS: u64 = 32;
/// Keys of each of them, in turn.
const KEYS: u64 = 100;
/// Calls of each where they are counted.
const COUNTED: u64 = 500;

/// A call for a key.
pub(super) trait Call: Fn(String) -> <Self as Call>::Answer + Clone + Send + 'static {
    /// Its answer, in the future.
    type Answer: Future<Output = Outcome<()>> + Send;
}

impl<F: Fn(String) -> A + Clone + Send + 'static, A: Future<Output = Outcome<()>> + Send> Call for F {
    type Answer = A;
}

/// Has all of them call for so long; gives calls a second.
pub(super) async fn run(time: Duration, call: impl Call) -> Outcome<f64> {
    let begun = Instant::now();
    let made = all(call, move |_| begun.elapsed() < time).await?;
    Ok(made as f64 / begun.elapsed().as_secs_f64())
}

/// Has all of them call some times; gives how many calls that were.
pub(super) async fn make(call: impl Call) -> Outcome<u64> {
    all(call, |made| made < COUNTED).await
}

async fn all(call: impl Call, goes_on: impl Fn(u64) -> bool + Copy + Send + 'static) -> Outcome<u64> {
    let mut lanes: JoinSet<Outcome<u64>> = JoinSet::new();
    for caller in 0..CALLERS {
        let call = call.clone();
        lanes.spawn(async move {
            let mut made = 0;
            while goes_on(made) {
                call(format!("caller-{caller}-{}", made % KEYS)).await?;
                made += 1;
            }
            Ok(made)
        });
    }
    let mut made = 0;
    while let Some(lane) = lanes.join_next().await {
        made += lane??;
    }
    Ok(made)
}
