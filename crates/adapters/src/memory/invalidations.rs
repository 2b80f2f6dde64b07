//! Word of changed links, in memory.

use async_trait::async_trait;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};
use waypost_core::Result;
use waypost_core::links::{Heard, Invalidations, LinkName, Listener};

/// Announcements that are kept for the slowest listener; one that is further behind hears [`Heard::Everything`].
const KEPT: usize = 256;

/// Carries word of changed links between those that share this value: the nodes of a test, or the one node of a
/// platform that has no other.
#[derive(Debug)]
pub struct MemoryInvalidations {
    words: Sender<Heard>,
}

impl Default for MemoryInvalidations {
    fn default() -> Self {
        Self { words: Sender::new(KEPT) }
    }
}

#[async_trait]
impl Invalidations for MemoryInvalidations {
    async fn announce(&self, names: &[LinkName]) -> Result<()> {
        let word = if names.is_empty() { Heard::Everything } else { Heard::Names(names.to_vec()) };
        // Refused where nobody listens, and then there is nobody to tell.
        let _ = self.words.send(word);
        Ok(())
    }

    async fn listen(&self) -> Result<Box<dyn Listener>> {
        Ok(Box::new(MemoryListener { words: self.words.subscribe() }))
    }
}

#[derive(Debug)]
struct MemoryListener {
    words: Receiver<Heard>,
}

#[async_trait]
impl Listener for MemoryListener {
    async fn next(&mut self) -> Heard {
        match self.words.recv().await {
            Ok(heard) => heard,
            Err(RecvError::Lagged(_)) => {
                // What is still kept is part of everything.
                self.words = self.words.resubscribe();
                Heard::Everything
            }
            // The carrier is gone, and with it everybody who could announce.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
