//! Taking up a new configuration without a restart.
//!
//! The engine looks at its source every few seconds, and at once when it is [`woken`](Reload::wake). What it takes up
//! replaces the old as a whole; requests under way end under the one that they began with. A configuration with a fault
//! is told and left aside: the old one goes on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Notify;
use waypost_core::Result;
use waypost_core::engine::{Engine, Next};

use super::config::Fault;

/// How long between two looks: soon enough for whoever waits beside the file, rarely enough to cost nothing.
const LOOK: Duration = Duration::from_secs(2);

/// Where a configuration comes from.
pub trait Source: Send + Sync {
    /// What changes whenever the configuration may have changed, say a file's time and size. Not the configuration itself:
    /// it is asked for every few seconds.
    fn mark(&mut self) -> Option<String>;

    /// The section `gateway` as it is now; `Null` for none.
    ///
    /// # Errors
    /// What makes it unreadable.
    fn read(&mut self) -> std::result::Result<Value, Vec<Fault>>;
}

/// Puts a configuration to work.
pub type Take = Box<dyn Fn(Value) -> std::result::Result<(), Vec<Fault>> + Send + Sync>;

/// The engine.
pub struct Reload {
    source: Box<dyn Source>,
    take: Take,
    mark: Option<String>,
    wake: Arc<Notify>,
    is_asked: Arc<std::sync::atomic::AtomicBool>,
}

/// Wakes a [`Reload`], which then reads its source even if nothing seems to have changed.
#[derive(Clone, Debug)]
pub struct Waker {
    wake: Arc<Notify>,
    is_asked: Arc<std::sync::atomic::AtomicBool>,
}

impl Waker {
    /// Wakes it.
    pub fn wake(&self) {
        self.is_asked.store(true, std::sync::atomic::Ordering::Release);
        self.wake.notify_one();
    }
}

impl Reload {
    /// Watches `source`, whose configuration of this moment is at work already, and hands changed ones to `take`.
    pub fn new(mut source: Box<dyn Source>, take: Take) -> Self {
        let mark = source.mark();
        Self { source, take, mark, wake: Arc::default(), is_asked: Arc::default() }
    }

    /// What wakes it.
    pub fn waker(&self) -> Waker {
        Waker { wake: self.wake.clone(), is_asked: self.is_asked.clone() }
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reload").field("mark", &self.mark).finish_non_exhaustive()
    }
}

#[async_trait]
impl Engine for Reload {
    fn name(&self) -> &'static str {
        "gateway_reload"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        let is_asked = self.is_asked.swap(false, std::sync::atomic::Ordering::AcqRel);
        let mark = self.source.mark();
        if is_asked || mark != self.mark {
            // Also if it is at fault: the same fault is told once, not every two seconds.
            self.mark = mark;
            match self.source.read().and_then(|value| (self.take)(value)) {
                Ok(()) => {
                    metrics::counter!("waypost_gateway_reloads_total", "outcome" => "taken").increment(1);
                    tracing::info!("a new gateway configuration holds");
                }
                Err(faults) => {
                    metrics::counter!("waypost_gateway_reloads_total", "outcome" => "refused").increment(1);
                    for fault in faults {
                        tracing::error!(%fault, "the new gateway configuration is refused; the old one goes on");
                    }
                }
            }
        }
        Ok(Next::At(now + LOOK))
    }

    async fn woken(&self) {
        self.wake.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    struct Shelf {
        mark: u32,
        value: std::result::Result<Value, Vec<Fault>>,
        reads: u32,
    }

    struct OnShelf(Arc<Mutex<Shelf>>);

    impl Source for OnShelf {
        fn mark(&mut self) -> Option<String> {
            Some(self.0.lock().unwrap().mark.to_string())
        }

        fn read(&mut self) -> std::result::Result<Value, Vec<Fault>> {
            let mut shelf = self.0.lock().unwrap();
            shelf.reads += 1;
            shelf.value.clone()
        }
    }

    #[tokio::test]
    async fn a_changed_source_is_taken_up_once_and_a_faulty_one_left_aside() {
        let shelf = Arc::new(Mutex::new(Shelf { mark: 0, value: Ok(json!(1)), reads: 0 }));
        let taken = Arc::new(Mutex::new(Vec::new()));
        let takes = taken.clone();
        let take = Box::new(move |value: Value| {
            if value == json!("bad") {
                return Err(vec![Fault::new("gateway", "is bad")]);
            }
            takes.lock().unwrap().push(value);
            Ok(())
        });
        let mut reload = Reload::new(Box::new(OnShelf(shelf.clone())), take);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(reload.step(now).await.unwrap(), Next::At(now + LOOK));
        assert_eq!(shelf.lock().unwrap().reads, 0, "nothing has changed");

        *shelf.lock().unwrap() = Shelf { mark: 1, value: Ok(json!(2)), reads: 0 };
        for _ in 0..3 {
            reload.step(now).await.unwrap();
        }
        assert_eq!((shelf.lock().unwrap().reads, taken.lock().unwrap().clone()), (1, vec![json!(2)]));

        *shelf.lock().unwrap() = Shelf { mark: 2, value: Ok(json!("bad")), reads: 0 };
        reload.step(now).await.unwrap();
        reload.step(now).await.unwrap();
        assert_eq!((shelf.lock().unwrap().reads, taken.lock().unwrap().len()), (1, 1));

        shelf.lock().unwrap().value = Ok(json!(3));
        reload.waker().wake();
        reload.woken().await;
        reload.step(now).await.unwrap();
        assert_eq!(taken.lock().unwrap().last(), Some(&json!(3)), "asked for, it is read though the mark is the same");
    }
}
