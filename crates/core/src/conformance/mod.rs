//! The suites that prove an adapter: every numbered clause of every port is one or more named cases here.
//!
//! A suite is a macro. It is given an async function that makes a fresh, isolated subject, and expands to one test a
//! case, so a failure names the rule that is broken. Adapters of this project, wrappers around them and adapters of
//! third parties are proved by the same cases. The crate that calls it needs `tokio` with `macros` and
//! `rt-multi-thread` among its `dev-dependencies`, and this crate with the feature `conformance`.
//!
//! | macro | subject |
//! |---|---|
//! | [`links!`], [`clicks!`] | [`Stores`]: the ports that share transactions |
//! | [`idempotency!`] | `Arc<dyn IdempotencyStore>` |
//! | [`outbox!`] | `Arc<dyn Outbox>` |
//! | [`events!`] | `Arc<dyn EventBus>` |
//! | [`limits!`] | `Arc<dyn RateLimiter>` |
//! | [`credentials!`] | `Arc<dyn CredentialStore>` |
//! | [`clients!`] | `Arc<dyn ClientStore>` |
//! | [`members!`] | `Arc<dyn MemberStore>` |
//! | [`grants!`] | `Arc<dyn GrantStore>` |
//! | [`webhooks!`] | `Arc<dyn WebhookStore>` |
//! | [`deliveries!`] | [`Deliveries`]: the ports of webhooks and the outbox |
//! | [`invalidations!`] | `Arc<dyn Invalidations>` |
//! | [`presence!`] | `Arc<dyn PresenceStore>` |
//! | [`spool!`] | `Arc<dyn ClickSpool>`, bounded at 1 MiB or less |
//! | [`durable_spool!`] | [`Reopen`]: the spool's place, to be opened again |
//!
//! ```
//! use std::sync::Arc;
//! use waypost_core::conformance::{Stores, Subject};
//! use waypost_core::outbox::Outbox;
//!
//! # fn open(_: &str) -> Stores { unreachable!() }
//! /// A fresh store in a folder that is removed after the case.
//! async fn stores() -> Subject<Stores> {
//!     let folder = String::from("a temporary folder");
//!     Subject::guarded(open(&folder), folder)
//! }
//!
//! /// One port of the same store.
//! async fn outbox() -> Subject<Arc<dyn Outbox>> {
//!     stores().await.map(|stores| stores.outbox)
//! }
//!
//! waypost_core::conformance::links!(stores);
//! waypost_core::conformance::clicks!(stores);
//! waypost_core::conformance::outbox!(outbox);
//! ```
//!
//! Each macro makes a module of its own name, so a second backend or a wrapper in the same file stands in a module.
//!
//! Cases pass every moment as a value and never sleep. Where they wait for a wake-up, a generous bound in real time
//! turns a hang into a failure. They are written so that they cannot pass on a subject that does nothing.

pub mod clicks;
pub mod clients;
pub mod credentials;
pub mod deliveries;
pub mod durable_spool;
pub mod events;
pub mod fixtures;
pub mod grants;
pub mod idempotency;
pub mod invalidations;
pub mod limits;
pub mod links;
pub mod members;
pub mod outbox;
pub mod presence;
pub mod spool;
mod suite;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Barrier;

pub use durable_spool::Reopen;
pub use suite::{Deliveries, Stores, Subject};

pub use self::clicks::tests as clicks;
pub use self::clients::tests as clients;
pub use self::credentials::tests as credentials;
pub use self::deliveries::tests as deliveries;
pub use self::durable_spool::tests as durable_spool;
pub use self::events::tests as events;
pub use self::grants::tests as grants;
pub use self::idempotency::tests as idempotency;
pub use self::invalidations::tests as invalidations;
pub use self::limits::tests as limits;
pub use self::links::tests as links;
pub use self::members::tests as members;
pub use self::outbox::tests as outbox;
pub use self::presence::tests as presence;
pub use self::spool::tests as spool;
pub use self::webhooks::tests as webhooks;

/// Runs `wait` and, again and again, `cause`, until `wait` returns; fails where it does not.
///
/// A wait may be registered a round trip after it was first polled, so one cause alone could pass it by unseen. No
/// real time is relied on: the bounds only turn a hang into a failure.
pub(crate) async fn wakes(wait: impl Future<Output = ()> + Send + 'static, cause: impl AsyncFn(u64)) {
    let mut waiter = tokio::spawn(wait);
    for n in 1..=50 {
        cause(n).await;
        if let Ok(done) = tokio::time::timeout(Duration::from_millis(200), &mut waiter).await {
            return done.expect("no panic");
        }
    }
    waiter.abort();
    panic!("fifty causes within ten seconds woke nobody");
}

/// Lets racers run at once, each as a task of its own, and gives what they came to.
///
/// All wait at one line until the last is there: tasks that are merely spawned one after the other may well run one
/// after the other.
pub(crate) async fn race<F>(racers: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let racers: Vec<F> = racers.into_iter().collect();
    let line = Arc::new(Barrier::new(racers.len()));
    let tasks = racers.into_iter().map(|racer| {
        let line = Arc::clone(&line);
        tokio::spawn(async move {
            line.wait().await;
            racer.await
        })
    });
    let done = join_all(tasks.collect::<Vec<_>>()).await;
    done.into_iter().map(|done| done.expect("no racer panics")).collect()
}
