//! The dispatcher on the store in memory, with receivers that do as a test says.

mod circuit;
mod faults;
mod lanes;
mod retries;
mod sending;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Notify;
use waypost_adapters::memory::MemoryStore;
use waypost_core::clock::{Clock as _, ManualClock};
use waypost_core::conformance::fixtures::{at, event, workspace};
use waypost_core::conformance::webhooks::endpoint;
use waypost_core::credentials::Credentials;
use waypost_core::engine::{Engine as _, Next};
use waypost_core::entropy::SeededEntropy;
use waypost_core::events::{Epoch, Event, Position};
use waypost_core::ids::{DeliveryId, WebhookId};
use waypost_core::layers::{Faulty, Layered};
use waypost_core::outbox::{Outbox, Ruling, Verdict};
use waypost_core::page::Cursors;
use waypost_core::seal::Seal;
use waypost_core::webhooks::{
    Attempt, AttemptResult, Delivery, DeliveryLog as _, DeliveryQueue, DeliveryRecord, DeliveryState, Dispatcher,
    DispatcherOptions, Endpoint, Failure, FailureClass, Messages, Notices, SealedSecret, Target, WebhookCall,
    WebhookReply, WebhookStore as _, WebhookTransport,
};

/// The secret of every endpoint here.
pub(super) const SECRET: [u8; 32] = [9; 32];

/// What a receiver does with a call.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// Answers this status.
    Status(u16),
    /// Answers this status, and when to come back.
    Later(u16, Duration),
    /// Hangs until it is let go, and then fails by time-out.
    Hang,
    /// Hangs until it is let go, and then answers this status.
    HangThen(u16),
}

type Script = Box<dyn FnMut(&WebhookCall) -> Answer + Send>;

/// Receivers, by the address of their endpoints; those that are not named answer 200.
#[derive(Default)]
struct Receivers {
    scripts: Mutex<HashMap<String, Script>>,
    calls: Mutex<Vec<WebhookCall>>,
    hanging: AtomicUsize,
    let_go: Notify,
}

impl std::fmt::Debug for Receivers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receivers")
    }
}

impl Receivers {
    fn say(&self, endpoint: &Endpoint, script: impl FnMut(&WebhookCall) -> Answer + Send + 'static) {
        self.scripts
            .lock()
            .expect("no panic under the lock")
            .insert(endpoint.target.as_str().to_owned(), Box::new(script));
    }

    /// The ids of the events that were brought to an endpoint, in the order of the calls.
    fn brought(&self, endpoint: &Endpoint) -> Vec<String> {
        let calls = self.calls.lock().expect("no panic under the lock");
        calls.iter().filter(|call| call.target == endpoint.target).map(|call| header(call, "webhook-id")).collect()
    }

    fn count(&self) -> usize {
        self.calls.lock().expect("no panic under the lock").len()
    }
}

fn header(call: &WebhookCall, name: &str) -> String {
    call.headers.iter().find(|(known, _)| known == name).expect("the header").1.clone()
}

#[async_trait]
impl WebhookTransport for Receivers {
    fn refuses(&self, _: &Target) -> Option<String> {
        None
    }

    async fn call(&self, call: WebhookCall) -> WebhookReply {
        let answer = match self.scripts.lock().expect("no panic under the lock").get_mut(call.target.as_str()) {
            Some(script) => script(&call),
            None => Answer::Status(200),
        };
        self.calls.lock().expect("no panic under the lock").push(call);
        let (status, retry_after) = match answer {
            Answer::Status(status) => (status, None),
            Answer::Later(status, wait) => (status, Some(wait)),
            Answer::HangThen(status) => {
                self.let_go.notified().await;
                (status, None)
            }
            Answer::Hang => {
                self.hanging.fetch_add(1, SeqCst);
                self.let_go.notified().await;
                self.hanging.fetch_sub(1, SeqCst);
                let failure = Failure { class: FailureClass::Timeout, detail: "no answer within 15 s".to_owned() };
                let result = AttemptResult { status: None, failure: Some(failure), excerpt: String::new() };
                return WebhookReply { result, retry_after: None };
            }
        };
        let detail = format!("the receiver answered {status}");
        let failure = (!(200..300).contains(&status)).then_some(Failure { class: FailureClass::Status, detail });
        let result = AttemptResult { status: Some(status), failure, excerpt: "what it said".to_owned() };
        WebhookReply { result, retry_after }
    }
}

/// A store, receivers, and one dispatcher or several.
struct Bench {
    store: Arc<MemoryStore>,
    receivers: Arc<Receivers>,
    clock: ManualClock,
    hand: Faulty,
    options: DispatcherOptions,
    /// What the nodes open secrets with.
    seal_key: [u8; 32],
}

impl Bench {
    fn new() -> Self {
        Self {
            store: Arc::default(),
            receivers: Arc::default(),
            clock: ManualClock::new(at(100_000)),
            hand: Faulty::default(),
            options: DispatcherOptions::default(),
            seal_key: [8; 32],
        }
    }

    fn dispatcher(&self) -> Dispatcher {
        self.dispatcher_on(self.store.clone())
    }

    fn dispatcher_on(&self, queue: Arc<dyn DeliveryQueue>) -> Dispatcher {
        let (clock, entropy) = (Arc::new(self.clock.clone()), Arc::new(SeededEntropy::new(2)));
        let credentials = Credentials::new(self.store.clone(), clock.clone(), entropy.clone());
        let cursors = Arc::new(Cursors::new([7; 32]));
        let seal = Arc::new(Seal::new(&self.seal_key, &[]));
        Dispatcher::new(
            Arc::new(Layered::new(queue, self.hand.clone())),
            self.receivers.clone(),
            Arc::new(Messages::new(seal, cursors, credentials, 0, entropy.clone())),
            Notices::new(self.store.clone(), self.store.clone(), entropy.clone()),
            clock,
            entropy,
            self.options.clone(),
        )
    }

    /// Registers the n-th endpoint.
    async fn registered(&self, n: u8) -> Endpoint {
        self.registered_as(endpoint(n)).await
    }

    async fn registered_as(&self, endpoint: Endpoint) -> Endpoint {
        let owner = endpoint.id.to_string();
        let sealed = Seal::new(&[8; 32], &[])
            .close(&SECRET, owner.as_bytes(), &SeededEntropy::new(3))
            .expect("what the test relies on");
        let secrets = vec![SealedSecret { sealed, made_at: endpoint.created_at, ends_at: None }];
        let endpoint = Endpoint { secrets, ..endpoint };
        assert!(self.store.insert_endpoint(&endpoint, 100).await.expect("what the test relies on"));
        endpoint
    }

    /// Has the n-th events owed to an endpoint, of these subjects in turn.
    async fn owes(&self, endpoint: &Endpoint, numbers: std::ops::RangeInclusive<u64>, subjects: u64) {
        let delivery = |n: u64| {
            let event = Event { workspace: workspace(1), ..event(n, &format!("lnk_{}", n % subjects)) };
            let position = Position { epoch: Epoch(1), offset: n };
            Delivery { endpoint: endpoint.id, ordering: endpoint.ordering_key(&event), event, position }
        };
        let deliveries: Vec<_> = numbers.map(delivery).collect();
        self.store.enqueue(&deliveries, self.clock.now()).await.expect("what the test relies on");
    }

    /// Runs rounds until nothing moves any more at this moment. Gives what the last one waits for.
    async fn run(&self, dispatcher: &mut Dispatcher) -> Next {
        let mut quiet = 0;
        loop {
            let before = self.receivers.count();
            let next = dispatcher.step(self.clock.now()).await.expect("a round");
            // The calls are tasks of this thread.
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            let is_quiet = self.receivers.count() == before && next != Next::Now;
            quiet = if is_quiet { quiet + 1 } else { 0 };
            if quiet == 3 {
                return next;
            }
        }
    }

    /// Lets time pass in steps, with a round after each.
    async fn pass(&self, dispatcher: &mut Dispatcher, time: Duration, step: Duration) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.clock.advance(step);
            self.run(dispatcher).await;
        }
    }

    async fn record(&self, endpoint: WebhookId, event: &Event) -> (DeliveryRecord, Vec<Attempt>) {
        let id = DeliveryId::from_bytes(event.id.to_bytes());
        self.store.delivery(workspace(1), endpoint, id).await.expect("what the test relies on").expect("a delivery")
    }

    async fn state(&self, endpoint: &Endpoint, n: u64) -> DeliveryState {
        self.record(endpoint.id, &event(n, "any")).await.0.state
    }

    async fn attempts(&self, endpoint: &Endpoint, n: u64) -> Vec<Attempt> {
        self.record(endpoint.id, &event(n, "any")).await.1
    }

    /// How many deliveries are owed.
    async fn waiting(&self) -> u64 {
        DeliveryQueue::backlog(&*self.store).await.expect("what the test relies on").waiting
    }

    /// The events that came into the outbox since the last look.
    async fn told(&self) -> Vec<Event> {
        let entries = Outbox::claim(&*self.store, 99, self.now(), seconds(1)).await.expect("what the test relies on");
        let ack = |entry: &waypost_core::outbox::Claimed| Verdict {
            entry: entry.entry,
            token: entry.token,
            ruling: Ruling::Ack,
        };
        Outbox::settle(&*self.store, &entries.iter().map(ack).collect::<Vec<_>>())
            .await
            .expect("what the test relies on");
        entries.into_iter().map(|entry| entry.event).collect()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
