//! The keeper of presence, on one store that several nodes share.

mod bounds;
mod coming;
mod outages;

use std::sync::Arc;

use waypost_adapters::memory::MemoryPresenceStore;
use waypost_core::clock::{Clock as _, ManualClock};
use waypost_core::conformance::fixtures::{at, seconds, workspace};
use waypost_core::credentials::Actor;
use waypost_core::engine::{Engine as _, Next};
use waypost_core::ids::{KeyId, SessionId};
use waypost_core::layers::{Faulty, Layered};
use waypost_core::push::presence::{
    Place, Presence, PresenceChange, PresenceKeeper, PresenceStore, Presences, Stay, Watch,
};
use waypost_core::{Kind, Result};

type Store = Arc<dyn PresenceStore>;

/// One node: whom it has, its engine, and the hand on its way to the store.
struct Node {
    presences: Presences,
    keeper: PresenceKeeper,
    clock: ManualClock,
    faulty: Faulty,
}

fn store() -> Store {
    Arc::new(MemoryPresenceStore::default())
}

fn clock() -> ManualClock {
    ManualClock::new(at(10_000))
}

impl Node {
    fn new(store: &Store, clock: &ManualClock) -> Self {
        let faulty = Faulty::default();
        let presences = Presences::new(Arc::new(Layered::new(store.clone(), faulty.clone())));
        Self { keeper: presences.keeper(), presences, clock: clock.clone(), faulty }
    }

    fn watch(&self, subject: &str, n: u64) -> Watch {
        self.presences.watch(place(subject), presence(n)).expect("room")
    }

    /// Has the engine do all that is due.
    async fn round(&mut self) -> Result<()> {
        for _ in 0..10_000 {
            match self.keeper.step(self.clock.now()).await? {
                Next::At(due) if due > self.clock.now() => return Ok(()),
                _ => {}
            }
        }
        panic!("the engine never rests");
    }

    async fn did(&mut self) {
        self.round().await.expect("a good round");
    }

    /// What the store did not answer.
    async fn failed(&mut self) -> Kind {
        self.round().await.expect_err("the store is away").kind()
    }
}

/// Lets time pass, a second at a time, as the engines of these nodes see it.
async fn pass(count: u64, nodes: &mut [&mut Node]) {
    for _ in 0..count {
        nodes[0].clock.advance(seconds(1));
        for node in &mut *nodes {
            node.did().await;
        }
    }
}

fn place(subject: &str) -> Place {
    Place::new(workspace(1), subject).expect("a place")
}

fn presence(n: u64) -> Presence {
    let bits = 0x0123_4567_89AB_7000_8000_u128 << 48 | u128::from(n);
    let since = at(i64::try_from(n).expect("a small number"));
    Presence {
        session: SessionId::from_bytes(bits.to_be_bytes()),
        actor: Actor::Key(KeyId::from_bytes([1; 16])),
        since,
    }
}

fn joined(n: u64) -> PresenceChange {
    PresenceChange::Joined(presence(n))
}

fn gone(n: u64) -> PresenceChange {
    PresenceChange::Left(presence(n))
}

/// Who is known to be there.
fn known(watch: &Watch) -> Vec<Presence> {
    watch.members().present().to_vec()
}

/// Who is at a place, as the store has it.
async fn kept(store: &Store, subject: &str, clock: &ManualClock) -> Vec<Presence> {
    store.present(&[place(subject)], clock.now(), 10_000).await.expect("found").remove(0)
}
