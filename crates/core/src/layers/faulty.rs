//! Failing calls, for tests and drills.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use super::{Call, Layer, Work};
use crate::entropy::Entropy;
use crate::error::{Error, Kind, Result};

/// What is done to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this kind, and was not made.
    Before(Kind),
    /// It is made, and fails with this kind all the same: the answer was lost.
    After(Kind),
    /// Nothing comes back until [`Faulty::release`]; then it is made.
    Hangs,
    /// It is made, and its answer comes back at [`Faulty::release`].
    Late,
}

/// Fails calls as it is told. Clones are one hand on what all of them do; a fresh one does nothing.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use std::sync::Arc;
/// use waypost_core::Kind;
/// use waypost_core::layers::{Fault, Faulty, Layered};
/// # use waypost_core::links::{Invalidations, LinkName, Listener};
/// # #[derive(Debug)]
/// # struct Nobody;
/// # #[async_trait::async_trait]
/// # impl Invalidations for Nobody {
/// #     async fn announce(&self, _: &[LinkName]) -> waypost_core::Result<()> { Ok(()) }
/// #     async fn listen(&self) -> waypost_core::Result<Box<dyn Listener>> { unreachable!() }
/// # }
///
/// let faulty = Faulty::default();
/// let port: Arc<dyn Invalidations> = Arc::new(Nobody);
/// let port = Layered::new(port, faulty.clone());
/// faulty.script([Some(Fault::Before(Kind::Unavailable)), None]);
/// assert!(port.announce(&[]).await.is_err());
/// assert!(port.announce(&[]).await.is_ok());
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Faulty(Arc<Hand>);

#[derive(Debug)]
struct Hand {
    plan: Mutex<Plan>,
    released: watch::Sender<u64>,
    met: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Plan {
    script: VecDeque<Option<Fault>>,
    otherwise: Option<Fault>,
    chance: Option<Chance>,
}

#[derive(Debug)]
struct Chance {
    one_in: u32,
    fault: Fault,
    entropy: Arc<dyn Entropy>,
}

impl Default for Faulty {
    fn default() -> Self {
        let hand = Hand { plan: Mutex::default(), released: watch::Sender::new(0), met: watch::Sender::new(0) };
        Self(Arc::new(hand))
    }
}

impl Faulty {
    /// Does these things to the next calls, in the order in which they come; `None` leaves one alone.
    pub fn script(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.plan().script.extend(faults);
    }

    /// Does this to every call, once the script is over and until [`release`](Self::release).
    pub fn always(&self, fault: Fault) {
        self.plan().otherwise = Some(fault);
    }

    /// Does this to one call in `one_in` on average, drawn from `entropy`.
    pub fn by_chance(&self, one_in: u32, fault: Fault, entropy: Arc<dyn Entropy>) {
        self.plan().chance = Some(Chance { one_in, fault, entropy });
    }

    /// Forgets all faults, and lets those go on that hang.
    pub fn release(&self) {
        *self.plan() = Plan::default();
        self.0.released.send_modify(|times| *times += 1);
    }

    /// How many calls there were, those that failed included.
    pub fn calls(&self) -> u64 {
        *self.0.met.borrow()
    }

    /// Returns once there were so many calls in all.
    pub async fn met(&self, calls: u64) {
        // The sender lives as long as this value.
        let _ = self.0.met.subscribe().wait_for(|met| *met >= calls).await;
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.plan.lock().expect("no code panics under this lock")
    }

    fn next(&self) -> Option<Fault> {
        let mut plan = self.plan();
        if let Some(scripted) = plan.script.pop_front() {
            return scripted;
        }
        let Some(chance) = &plan.chance else { return plan.otherwise };
        let mut drawn = [0; 4];
        chance.entropy.fill(&mut drawn);
        if u32::from_be_bytes(drawn) % chance.one_in.max(1) == 0 { Some(chance.fault) } else { plan.otherwise }
    }
}

impl Layer for Faulty {
    async fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        work: impl Fn() -> Work<'a, T> + Copy + Send + Sync + 'a,
    ) -> Result<T> {
        let mut released = self.0.released.subscribe();
        let fault = self.next();
        self.0.met.send_modify(|calls| *calls += 1);
        let failed = |kind, when| {
            let reason = format!("{}.{} was made to fail {when}", call.port, call.name);
            Err(Error::new(kind, "A fault was asked for").with_source(reason))
        };
        match fault {
            None => work().await,
            Some(Fault::Before(kind)) => failed(kind, "before it was made"),
            Some(Fault::After(kind)) => {
                work().await?;
                failed(kind, "after it was made")
            }
            Some(Fault::Hangs) => {
                let _ = released.changed().await;
                work().await
            }
            Some(Fault::Late) => {
                let outcome = work().await;
                let _ = released.changed().await;
                outcome
            }
        }
    }
}
