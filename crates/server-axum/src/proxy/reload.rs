//! Taking up a new configuration without a restart.
//!
//! The engine looks at its source every second, and at once when it is woken ([`Waker`]). A change counts once two looks
//! in a row have seen the same, so that a file is not taken up while it is being written. What it takes up
//! replaces the old as a whole; requests under way end under the one that they began with. A configuration with a fault
//! is told and left aside: the old one goes on. So is a source from which the section has vanished: who wants no routes
//! leaves it there, empty.

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

/// How long between two looks: two of them are soon enough for whoever waits beside the file, and cost nothing.
const LOOK: Duration = Duration::from_secs(1);

/// Where a configuration comes from.
pub trait Source: Send + Sync {
    /// What changes whenever the configuration may have changed, say a file's time and size. Not the configuration itself:
    /// it is asked for every few seconds.
    fn mark(&mut self) -> Option<String>;

    /// The section `gateway` as it is now; `Null` if it is not there.
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
    /// What holds, or was refused last.
    current: Value,
    /// When it was read, if it was read here.
    mark: Option<String>,
    /// What the last look saw.
    seen: Option<String>,
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
    /// Watches `source`, and hands configurations other than `current`, which is at work already, to `take`.
    ///
    /// It is read once at the beginning all the same: it may have changed since `current` was read.
    pub fn new(source: Box<dyn Source>, current: Value, take: Take) -> Self {
        Self { source, take, current, mark: None, seen: None, wake: Arc::default(), is_asked: Arc::default() }
    }

    /// Takes up what stands there now. Says whether anything is new.
    fn take_up(&mut self) -> std::result::Result<bool, Vec<Fault>> {
        let value = self.source.read()?;
        if value == self.current {
            return Ok(false);
        }
        let is_empty = |value: &Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
        if value.is_null() && !is_empty(&self.current) {
            let text = "has vanished; put it back, or leave [gateway] there with nothing below it for no routes";
            return Err(vec![Fault::new("gateway", text)]);
        }
        (self.take)(value.clone())?;
        self.current = value;
        Ok(true)
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
        let is_settled = mark == self.seen;
        self.seen.clone_from(&mark);
        if is_asked || (is_settled && mark != self.mark) {
            // Also if it is at fault: the same fault is told once, not every second.
            self.mark = mark;
            match self.take_up() {
                Ok(false) => {}
                Ok(true) => {
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
        let mut reload = Reload::new(Box::new(OnShelf(shelf.clone())), json!(1), take);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(reload.step(now).await.unwrap(), Next::At(now + LOOK));
        for _ in 0..3 {
            reload.step(now).await.unwrap();
        }
        assert_eq!((shelf.lock().unwrap().reads, taken.lock().unwrap().len()), (1, 0), "looked at, and nothing is new");

        *shelf.lock().unwrap() = Shelf { mark: 1, value: Ok(json!(2)), reads: 0 };
        for _ in 0..3 {
            reload.step(now).await.unwrap();
        }
        assert_eq!((shelf.lock().unwrap().reads, taken.lock().unwrap().clone()), (1, vec![json!(2)]));

        *shelf.lock().unwrap() = Shelf { mark: 2, value: Ok(json!("bad")), reads: 0 };
        reload.step(now).await.unwrap();
        reload.step(now).await.unwrap();
        assert_eq!((shelf.lock().unwrap().reads, taken.lock().unwrap().len()), (1, 1));

        *shelf.lock().unwrap() = Shelf { mark: 3, value: Ok(Value::Null), reads: 0 };
        reload.step(now).await.unwrap();
        reload.step(now).await.unwrap();
        assert_eq!((shelf.lock().unwrap().reads, taken.lock().unwrap().len()), (1, 1), "a section that has vanished");
        *shelf.lock().unwrap() = Shelf { mark: 4, value: Ok(json!({})), reads: 0 };
        reload.step(now).await.unwrap();
        reload.step(now).await.unwrap();
        assert_eq!(taken.lock().unwrap().last(), Some(&json!({})), "one that stands there empty");

        shelf.lock().unwrap().value = Ok(json!(3));
        reload.waker().wake();
        reload.woken().await;
        reload.step(now).await.unwrap();
        assert_eq!(taken.lock().unwrap().last(), Some(&json!(3)), "asked for, it is read though the mark is the same");
    }

    fn watching(shelf: &Arc<Mutex<Shelf>>, current: Value) -> (Reload, Arc<Mutex<Vec<Value>>>) {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let takes = taken.clone();
        let take = Box::new(move |value: Value| {
            takes.lock().unwrap().push(value);
            Ok(())
        });
        (Reload::new(Box::new(OnShelf(shelf.clone())), current, take), taken)
    }

    #[tokio::test]
    async fn a_source_that_is_being_written_is_not_read() {
        let shelf = Arc::new(Mutex::new(Shelf { mark: 0, value: Ok(json!(1)), reads: 0 }));
        let (mut reload, taken) = watching(&shelf, json!(1));
        let now = Timestamp::UNIX_EPOCH;
        for mark in 1..9 {
            *shelf.lock().unwrap() = Shelf { mark, value: Ok(json!("half")), reads: 0 };
            reload.step(now).await.unwrap();
        }
        assert_eq!((shelf.lock().unwrap().reads, taken.lock().unwrap().len()), (0, 0));
        shelf.lock().unwrap().value = Ok(json!("whole"));
        reload.step(now).await.unwrap();
        assert_eq!(*taken.lock().unwrap(), [json!("whole")]);
    }

    #[tokio::test]
    async fn what_was_changed_before_the_first_look_is_taken_up() {
        let shelf = Arc::new(Mutex::new(Shelf { mark: 7, value: Ok(json!("edited")), reads: 0 }));
        let (mut reload, taken) = watching(&shelf, json!("as read at the start"));
        reload.step(Timestamp::UNIX_EPOCH).await.unwrap();
        reload.step(Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(*taken.lock().unwrap(), [json!("edited")]);
    }
}
