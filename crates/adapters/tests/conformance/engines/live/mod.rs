//! Live sessions over a log in memory: the seam between what was missed and what is live, what becomes of the slow, and when
//! a session ends.

mod endings;
mod presence;
mod seams;
mod slowness;
mod swapped;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use swapped::SwappedBus;
use waypost_adapters::memory::{MemoryEventBus, MemoryPresenceStore};
use waypost_core::clock::{Clock as _, ManualClock};
use waypost_core::conformance::fixtures::{at, event, workspace};
use waypost_core::credentials::{Actor, Principal, Scopes};
use waypost_core::engine::{Engine as _, Next};
use waypost_core::entropy::SeededEntropy;
use waypost_core::events::{Event, EventBus, Position};
use waypost_core::ids::KeyId;
use waypost_core::page::Cursors;
use waypost_core::push::presence::Presences;
use waypost_core::push::{
    Closing, From, Hub, LiveOptions, Opening, Overflow, Push, Session, Subscribe, Tail, Transport,
};

/// A node: a log, a hub over it, and a clock that stands still.
struct Node {
    bus: Arc<dyn EventBus>,
    hub: Arc<Hub>,
    tail: Tail,
    presences: Presences,
    clock: ManualClock,
}

impl Node {
    async fn new(options: LiveOptions) -> Self {
        Self::over(Arc::new(MemoryEventBus::new(&SeededEntropy::new(1))), options).await
    }

    /// Another node on the same log.
    async fn over(bus: Arc<dyn EventBus>, options: LiveOptions) -> Self {
        let (clock, entropy) = (ManualClock::new(at(0)), Arc::new(SeededEntropy::new(2)));
        let cursors = Arc::new(Cursors::new([7; 32]));
        let presences = Presences::new(Arc::new(MemoryPresenceStore::default()));
        let clock_port = Arc::new(clock.clone());
        let hub = Arc::new(Hub::new(bus.clone(), cursors, presences.clone(), clock_port, entropy, options));
        let mut node = Self { bus, tail: Tail::new(hub.clone()), presences, hub, clock };
        node.turn().await;
        node
    }

    /// Has the log read to its end.
    async fn turn(&mut self) {
        while self.tail.step(self.clock.now()).await.expect("what the test relies on") == Next::Now {}
    }

    /// Puts events into the log, without having it read.
    async fn publish(&self, events: impl IntoIterator<Item = Event>) -> Vec<Position> {
        let events: Vec<_> = events.into_iter().collect();
        self.bus.publish(&events).await.expect("what the test relies on")
    }

    /// Puts events into the log and has it read.
    async fn tell(&mut self, events: impl IntoIterator<Item = Event>) -> Vec<Position> {
        let positions = self.publish(events).await;
        self.turn().await;
        positions
    }

    fn open(&self, transport: Transport) -> Session {
        self.hub.open(opening(transport)).expect("there is room")
    }

    /// A session that has one subscription to everything.
    fn listen(&self, from: From) -> Session {
        let mut session = self.open(Transport::Sse);
        session.subscribe(subscribe("all", from)).expect("what the test relies on");
        session
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn opening(transport: Transport) -> Opening {
    let key = KeyId::from_bytes([1; 16]);
    let who = Principal {
        workspace: workspace(1),
        actor: Actor::Key(key),
        scopes: Scopes::ALL,
        plan: None,
        traceparent: None,
    };
    Opening { who, until: None, proof: None, address: None, transport }
}

fn subscribe(id: &str, from: From) -> Subscribe {
    Subscribe {
        id: id.into(),
        types: Vec::new(),
        subject: None,
        from,
        overflow: Overflow::Disconnect,
        most_unacknowledged: None,
        presence: false,
    }
}

/// The numbered events of one link.
fn events(numbers: impl IntoIterator<Item = u64>) -> impl Iterator<Item = Event> {
    numbers.into_iter().map(|n| event(n, "lnk_1"))
}

/// The next push, if there is one now. What the log is asked is answered by a task of its own, which gets its turns.
async fn next(session: &mut Session) -> Option<Push> {
    for _ in 0..TURNS {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(push) = session.poll_next(&mut context) {
            return Some(push);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// More turns than a log in memory needs to answer.
const TURNS: usize = 16;

/// Everything that a session has to tell now, in words.
async fn told(session: &mut Session) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(push) = next(session).await {
        told.push(in_words(&push));
    }
    told
}

fn in_words(push: &Push) -> String {
    match push {
        Push::Subscribed { id, recovered, .. } => format!("{id} stands, recovered {recovered}"),
        Push::Event { id, frame } => format!("{id} {}", number(frame.json())),
        Push::Reset { id, .. } => format!("{id} reset"),
        Push::Skipped { id, .. } => format!("{id} skipped"),
        Push::Present { id, members } => format!("{id} {} present", members.present().len()),
        Push::Joined { id, .. } => format!("{id} joined"),
        Push::Left { id, .. } => format!("{id} left"),
        Push::Heartbeat => "heartbeat".to_owned(),
        Push::Closing(Closing { reason, .. }) => format!("closing {reason}"),
    }
}

/// The number of the event, which the fixture puts into its data.
fn number(json: &[u8]) -> u64 {
    let event: serde_json::Value = serde_json::from_slice(json).expect("an event is JSON");
    event["data"]["n"].as_u64().expect("the fixture's number")
}

fn all(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(|n| format!("all {n}")).collect()
}
