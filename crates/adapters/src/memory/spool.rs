//! The click spool in memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use waypost_core::clicks::{ClickId, ClickSpool, Hit, HitRef, SpoolMark, Spooled};
use waypost_core::entropy::Entropy;
use waypost_core::{Error, Kind, Result};

/// Holds hits in memory. **Not durable:** hits that were not drained die with the process, so the first clause of
/// [`ClickSpool`] holds only as long as the process lives. For tests and trials.
#[derive(Debug)]
pub struct MemoryClickSpool {
    opened: Timestamp,
    nonce: u64,
    bound: u64,
    hits: Mutex<Hits>,
}

#[derive(Debug, Default)]
struct Hits {
    waiting: VecDeque<(u64, Hit)>,
    appended: u64,
    bytes: u64,
}

impl MemoryClickSpool {
    /// A spool, opened at `now`, that holds up to `bound` bytes.
    pub fn new(bound: u64, now: Timestamp, entropy: &dyn Entropy) -> Self {
        let mut nonce = [0; 8];
        entropy.fill(&mut nonce);
        Self { opened: now, nonce: u64::from_be_bytes(nonce), bound, hits: Mutex::default() }
    }

    fn hits(&self) -> MutexGuard<'_, Hits> {
        self.hits.lock().expect("no code panics under this lock")
    }
}

fn size(hit: &Hit) -> u64 {
    (size_of::<(u64, Hit)>() + hit.user_agent.len() + hit.referrer.len()) as u64
}

fn cut(text: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&text[..text.len().min(Hit::LONGEST_TEXT)])
}

#[async_trait]
impl ClickSpool for MemoryClickSpool {
    fn append(&self, hit: &HitRef<'_>) -> Result<()> {
        let hit = Hit {
            link: hit.link,
            workspace: hit.workspace,
            at: hit.at,
            address: hit.address,
            user_agent: cut(hit.user_agent),
            referrer: cut(hit.referrer),
        };
        let mut hits = self.hits();
        if hits.bytes + size(&hit) > self.bound {
            return Err(Error::new(Kind::Unavailable, "The spool in memory is full"));
        }
        hits.bytes += size(&hit);
        let offset = hits.appended;
        hits.appended += 1;
        hits.waiting.push_back((offset, hit));
        Ok(())
    }

    async fn read(&self, limit: usize) -> Result<Spooled> {
        let hits = self.hits();
        let read = hits.waiting.iter().take(limit);
        let read: Vec<_> =
            read.map(|(offset, hit)| (ClickId::new(self.opened, self.nonce, *offset), hit.clone())).collect();
        let next = hits.appended - hits.waiting.len() as u64 + read.len() as u64;
        Ok(Spooled { hits: read, mark: SpoolMark(vec![(self.nonce, next)]) })
    }

    async fn release(&self, mark: SpoolMark) -> Result<()> {
        let mut hits = self.hits();
        for (nonce, next) in mark.0 {
            while nonce == self.nonce
                && let Some((_, hit)) = hits.waiting.pop_front_if(|(offset, _)| *offset < next)
            {
                hits.bytes -= size(&hit);
            }
        }
        Ok(())
    }

    fn depth(&self) -> u64 {
        self.hits().bytes
    }
}
