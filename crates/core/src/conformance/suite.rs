//! What a suite is made of: the list of its cases, and the subject that each case is given.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use crate::clicks::ClickStore;
use crate::idempotency::IdempotencyStore;
use crate::links::LinkStore;
use crate::outbox::Outbox;
use crate::webhooks::{DeliveryLog, DeliveryQueue, WebhookStore};

/// The four ports that share transactions, all on one store.
///
/// A link store cannot be proved alone: its second and fourth clause speak of the events and the keyed answer that
/// commit together with a link, and the suite looks for them where they belong, in the outbox and among the answers.
#[derive(Clone, Debug)]
pub struct Stores {
    /// The links.
    pub links: Arc<dyn LinkStore>,
    /// The clicks of these links.
    pub clicks: Arc<dyn ClickStore>,
    /// The keyed answers that link writes carry.
    pub idempotency: Arc<dyn IdempotencyStore>,
    /// The events that link writes carry, and those that tell of clicks.
    pub outbox: Arc<dyn Outbox>,
}

/// The ports of webhooks and the outbox, all on one store.
///
/// What is owed goes with its endpoint, what becomes of a delivery is read in the log, and what an update tells is in the
/// outbox: none of these ports can be proved alone.
#[derive(Clone, Debug)]
pub struct Deliveries {
    /// The endpoints.
    pub endpoints: Arc<dyn WebhookStore>,
    /// What is owed to these endpoints.
    pub queue: Arc<dyn DeliveryQueue>,
    /// What became of it.
    pub log: Arc<dyn DeliveryLog>,
    /// The events that updates carry.
    pub outbox: Arc<dyn Outbox>,
}

/// What one case is run on, and what must outlive the case: a temporary folder, a container, a schema to drop.
///
/// A subject without such a guard is made by `From`, which the macros call; so an adapter that needs none hands its
/// ports out as they are.
#[derive(Debug)]
pub struct Subject<T> {
    /// The ports under proof.
    pub ports: T,
    guard: Option<Box<dyn Guard>>,
}

trait Guard: Any + Debug + Send {}

impl<G: Any + Debug + Send> Guard for G {}

impl<T> Subject<T> {
    /// A subject whose `guard` is dropped after the case.
    pub fn guarded(ports: T, guard: impl Any + Debug + Send) -> Self {
        Self { ports, guard: Some(Box::new(guard)) }
    }

    /// The same subject seen otherwise: one port of [`Stores`], or a wrapper around it.
    pub fn map<U>(self, view: impl FnOnce(T) -> U) -> Subject<U> {
        Subject { ports: view(self.ports), guard: self.guard }
    }
}

impl<T> From<T> for Subject<T> {
    fn from(ports: T) -> Self {
        Self { ports, guard: None }
    }
}

/// Lists the cases of a suite once: as public functions of its module, and as tests in its macro.
///
/// The cases stand in private modules, so the compiler warns of one that was written and not listed.
macro_rules! suite {
    ($(#[$doc:meta])* $name:ident as $export:ident { $($theme:ident: $($case:ident),+;)+ }) => {
        $(pub use $theme::{$($case),+};)+
        suite! { @export ($) [$(#[$doc])*] $name $export [$($($case)+)+] }
    };
    (@export ($d:tt) [$($doc:tt)*] $name:ident $export:ident [$($case:ident)+]) => {
        $($doc)*
        #[macro_export]
        #[doc(hidden)]
        macro_rules! $export {
            ($d subject:expr) => {
                mod $name {
                    #[allow(unused_imports, reason = "a subject that is given by its full path needs no import")]
                    use super::*;

                    $(
                        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                        async fn $case() {
                            let subject = $d subject;
                            let subject = $crate::conformance::Subject::from(subject().await);
                            $crate::conformance::$name::$case(::std::clone::Clone::clone(&subject.ports)).await;
                        }
                    )+
                }
            };
        }

        #[doc(hidden)]
        pub use $export as tests;
    };
}

pub(super) use suite;
