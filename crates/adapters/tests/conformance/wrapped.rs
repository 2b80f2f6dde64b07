//! Every layer around the adapters in memory: what surrounds a port is that port.

use std::sync::Arc;

use waypost_adapters::memory::{
    MemoryEventBus, MemoryInvalidations, MemoryPresenceStore, MemoryRateLimiter, MemoryStore,
};
use waypost_core::Kind;
use waypost_core::clients::ClientStore;
use waypost_core::clock::SystemClock;
use waypost_core::conformance::{self, Deliveries, Stores};
use waypost_core::credentials::CredentialStore;
use waypost_core::entropy::{OsEntropy, SeededEntropy};
use waypost_core::events::EventBus;
use waypost_core::grants::GrantStore;
use waypost_core::idempotency::IdempotencyStore;
use waypost_core::layers::{
    Budget, Cached, Call, Fault, Faulty, Layer, Layered, Repeat, Retry, RetryOptions, Timeout, Traced, Work,
};
use waypost_core::limits::RateLimiter;
use waypost_core::links::Invalidations;
use waypost_core::members::MemberStore;
use waypost_core::outbox::{Backoff, Outbox};
use waypost_core::push::presence::PresenceStore;
use waypost_core::webhooks::{DeliveryLog, DeliveryQueue, WebhookStore};

/// The suites of every port that has layers, each subject in a fresh one.
macro_rules! suites {
    ($layer:expr) => {
        async fn stores() -> Stores {
            let store = Arc::new(MemoryStore::default());
            let layer = $layer;
            Stores {
                links: Arc::new(Layered::new(store.clone() as Arc<dyn waypost_core::links::LinkStore>, layer.clone())),
                clicks: Arc::new(Layered::new(
                    store.clone() as Arc<dyn waypost_core::clicks::ClickStore>,
                    layer.clone(),
                )),
                idempotency: Arc::new(Layered::new(store.clone() as Arc<dyn IdempotencyStore>, layer.clone())),
                outbox: Arc::new(Layered::new(store as Arc<dyn Outbox>, layer)),
            }
        }

        async fn idempotency_store() -> Arc<dyn IdempotencyStore> {
            stores().await.idempotency
        }

        async fn outbox_store() -> Arc<dyn Outbox> {
            stores().await.outbox
        }

        async fn credential_store() -> Arc<dyn CredentialStore> {
            let store: Arc<dyn CredentialStore> = Arc::new(MemoryStore::default());
            Arc::new(Layered::new(store, $layer))
        }

        async fn client_store() -> Arc<dyn ClientStore> {
            let store: Arc<dyn ClientStore> = Arc::new(MemoryStore::default());
            Arc::new(Layered::new(store, $layer))
        }

        async fn member_store() -> Arc<dyn MemberStore> {
            let store: Arc<dyn MemberStore> = Arc::new(MemoryStore::default());
            Arc::new(Layered::new(store, $layer))
        }

        async fn grant_store() -> Arc<dyn GrantStore> {
            let store: Arc<dyn GrantStore> = Arc::new(MemoryStore::default());
            Arc::new(Layered::new(store, $layer))
        }

        async fn webhook_store() -> Arc<dyn WebhookStore> {
            let store: Arc<dyn WebhookStore> = Arc::new(MemoryStore::default());
            Arc::new(Layered::new(store, $layer))
        }

        async fn delivery_stores() -> Deliveries {
            let store = Arc::new(MemoryStore::default());
            let layer = $layer;
            Deliveries {
                endpoints: Arc::new(Layered::new(store.clone() as Arc<dyn WebhookStore>, layer.clone())),
                queue: Arc::new(Layered::new(store.clone() as Arc<dyn DeliveryQueue>, layer.clone())),
                log: Arc::new(Layered::new(store.clone() as Arc<dyn DeliveryLog>, layer.clone())),
                outbox: Arc::new(Layered::new(store as Arc<dyn Outbox>, layer)),
            }
        }

        async fn event_bus() -> Arc<dyn EventBus> {
            let bus: Arc<dyn EventBus> = Arc::new(MemoryEventBus::new(&OsEntropy));
            Arc::new(Layered::new(bus, $layer))
        }

        async fn rate_limiter() -> Arc<dyn RateLimiter> {
            let limiter: Arc<dyn RateLimiter> = Arc::new(MemoryRateLimiter::default());
            Arc::new(Layered::new(limiter, $layer))
        }

        async fn carrier() -> Arc<dyn Invalidations> {
            let carrier: Arc<dyn Invalidations> = Arc::new(MemoryInvalidations::default());
            Arc::new(Layered::new(carrier, $layer))
        }

        async fn presence_store() -> Arc<dyn PresenceStore> {
            let store: Arc<dyn PresenceStore> = Arc::new(MemoryPresenceStore::default());
            Arc::new(Layered::new(store, $layer))
        }

        conformance::links!(stores);
        conformance::clicks!(stores);
        conformance::idempotency!(idempotency_store);
        conformance::outbox!(outbox_store);
        conformance::credentials!(credential_store);
        conformance::clients!(client_store);
        conformance::members!(member_store);
        conformance::grants!(grant_store);
        conformance::webhooks!(webhook_store);
        conformance::deliveries!(delivery_stores);
        conformance::events!(event_bus);
        conformance::limits!(rate_limiter);
        conformance::invalidations!(carrier);
        conformance::presence!(presence_store);
    };
}

fn retry() -> Retry {
    let backoff = Backoff { first: std::time::Duration::ZERO, longest: std::time::Duration::ZERO };
    let options = RetryOptions { most: 50, backoff };
    Retry::new(Arc::new(SystemClock), Arc::new(OsEntropy), Arc::new(Budget::new(u32::MAX)), options)
}

mod traced {
    use super::*;

    suites!(Traced::new(Arc::new(SystemClock)));
}

mod timeout {
    use super::*;

    suites!(Timeout::new(Arc::new(SystemClock), Timeout::LIMIT));
}

mod retry {
    use super::*;

    suites!(super::retry());
}

mod faulty {
    use super::*;

    suites!(Faulty::default());
}

/// As [`Platform`](waypost_core::Platform) puts them together.
mod all {
    use super::*;

    suites!({
        let clock = Arc::new(SystemClock);
        (Traced::new(clock.clone()), (super::retry(), Timeout::new(clock, Timeout::LIMIT)))
    });
}

/// Every third call that may be repeated finds the port away, before it is made; so often that no case is spared.
mod retry_over_faulty {
    use super::*;

    suites!((super::retry(), Sparing(faults())));

    fn faults() -> Faulty {
        let faulty = Faulty::default();
        faulty.by_chance(3, Fault::Before(Kind::Unavailable), Arc::new(SeededEntropy::new(3)));
        faulty
    }

    /// Faults for the calls that may be repeated, and none for the others, which nobody mends.
    #[derive(Clone, Debug)]
    struct Sparing(Faulty);

    impl Layer for Sparing {
        async fn around<'a, T: Send + 'a>(
            &'a self,
            call: Call,
            work: impl Fn() -> Work<'a, T> + Copy + Send + Sync + 'a,
        ) -> waypost_core::Result<T> {
            match call.repeat {
                Repeat::Safe => self.0.around(call, work).await,
                Repeat::Never => work().await,
            }
        }
    }
}

mod cached {
    use super::*;

    async fn credential_store() -> Arc<dyn CredentialStore> {
        Arc::new(Cached::<dyn CredentialStore>::new(Arc::new(MemoryStore::default()), Arc::new(SystemClock)))
    }

    async fn client_store() -> Arc<dyn ClientStore> {
        Arc::new(Cached::<dyn ClientStore>::new(Arc::new(MemoryStore::default()), Arc::new(SystemClock)))
    }

    async fn member_store() -> Arc<dyn MemberStore> {
        Arc::new(Cached::<dyn MemberStore>::new(Arc::new(MemoryStore::default()), Arc::new(SystemClock)))
    }

    async fn grant_store() -> Arc<dyn GrantStore> {
        Arc::new(Cached::<dyn GrantStore>::new(Arc::new(MemoryStore::default()), Arc::new(SystemClock)))
    }

    conformance::credentials!(credential_store);
    conformance::clients!(client_store);
    conformance::members!(member_store);
    conformance::grants!(grant_store);
}
