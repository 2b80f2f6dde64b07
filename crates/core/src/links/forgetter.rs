//! Forgetting what other nodes changed.

use std::sync::{Arc, Mutex as SyncMutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::Mutex;

use super::{Heard, Invalidations, LinkCache, Listener};
use crate::engine::{Engine, Next};
use crate::error::Result;

/// Words of one round, after which others go first.
const BATCH: usize = 100;

/// Listens to what other nodes announce, and forgets it. What this node announced is heard too, and costs a look-up.
#[derive(Debug)]
pub struct Forgetter {
    cache: Arc<LinkCache>,
    carrier: Arc<dyn Invalidations>,
    listener: Mutex<Option<Box<dyn Listener>>>,
    /// The word that woke the engine.
    heard: SyncMutex<Option<Heard>>,
}

impl Forgetter {
    /// Listens to `carrier` for `cache`.
    pub fn new(cache: Arc<LinkCache>, carrier: Arc<dyn Invalidations>) -> Self {
        Self { cache, carrier, listener: Mutex::default(), heard: SyncMutex::default() }
    }

    fn heed(&self, heard: Heard) {
        let word = match heard {
            Heard::Names(names) => {
                names.iter().for_each(|name| self.cache.forget(&name.domain, &name.slug));
                "names"
            }
            Heard::Everything => {
                self.cache.doubt_all();
                "everything"
            }
        };
        metrics::counter!("waypost_changes_heard_total", "word" => word).increment(1);
    }

    fn take(&self) -> Option<Heard> {
        self.heard.lock().expect("no code panics under this lock").take()
    }
}

#[async_trait]
impl Engine for Forgetter {
    fn name(&self) -> &'static str {
        "forgetter"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        if let Some(heard) = self.take() {
            self.heed(heard);
        }
        let mut listener = self.listener.lock().await;
        let listener = match &mut *listener {
            Some(listener) => listener,
            none => {
                let listener = self.carrier.listen().await?;
                // Whatever changed before there was somebody to hear it.
                self.cache.doubt_all();
                none.insert(listener)
            }
        };
        for _ in 0..BATCH {
            match listener.next().now_or_never() {
                Some(heard) => self.heed(heard),
                None => return Ok(Next::At(now + Duration::from_secs(60))),
            }
        }
        Ok(Next::Now)
    }

    async fn woken(&self) {
        match &mut *self.listener.lock().await {
            Some(listener) => {
                let heard = listener.next().await;
                *self.heard.lock().expect("no code panics under this lock") = Some(heard);
            }
            None => std::future::pending().await,
        }
    }
}
