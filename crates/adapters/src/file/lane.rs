//! A lane: the segment that some threads write to, one hit behind the other.

use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::error::FileError;
use super::folder::{Active, Folder};
use super::record::Record;
use super::segment::HEADER;
use super::stock::Stock;

/// The lanes, and which thread goes where.
#[derive(Debug)]
pub(super) struct Lanes(Box<[Padded]>);

/// On a cache line of its own (two, as processors fetch them in pairs), so that lanes do not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded(Mutex<Lane>);

/// A hit is written while the lock is held: then nothing but the last record can ever be torn.
#[derive(Debug, Default)]
struct Lane {
    active: Option<Active>,
    at: u64,
}

impl Lanes {
    pub(super) fn new(count: usize) -> Self {
        Self((0..count).map(|_| Padded::default()).collect())
    }

    /// Writes a record to the calling thread's lane, or to the next one that is free and has room.
    pub(super) fn append(&self, record: &mut Record, folder: &Folder, stock: &Stock) -> Result<(), FileError> {
        let home = home() % self.0.len();
        let (before, from) = self.0.split_at(home);
        for lane in from.iter().chain(before) {
            let mut lane = match lane.0.try_lock() {
                Ok(lane) => lane,
                Err(TryLockError::Poisoned(lane)) => lane.into_inner(),
                Err(TryLockError::WouldBlock) => continue,
            };
            // Should every lane that is free lack room, the wait for the own one below says why.
            if lane.append(record, folder, stock).is_ok() {
                return Ok(());
            }
        }
        lock(&self.0[home]).append(record, folder, stock)
    }

    /// The segments that are being written, which end here.
    pub(super) fn end(&self) -> impl Iterator<Item = Active> {
        self.0.iter().filter_map(|lane| lock(lane).active.take())
    }
}

impl Lane {
    fn append(&mut self, record: &mut Record, folder: &Folder, stock: &Stock) -> Result<(), FileError> {
        if let Some(full) = self.active.take_if(|active| self.at + record.len() > active.segment.size) {
            // Before the next one is asked for: if all of this one is released, its space may be what that needs.
            full.segment.sealed.store(true, Ordering::Release);
            if full.segment.is_spent() {
                stock.restock();
            }
        }
        let active = match &mut self.active {
            Some(active) => active,
            none @ None => {
                let next = folder.begin(stock.take(folder)?)?;
                self.at = HEADER;
                none.insert(next)
            }
        };
        let bytes = record.seal(active.segment.nonce, self.at);
        let written = active.file.write_all_at(bytes, self.at);
        // What a failed write left is overwritten by the next one, and is no whole record until then.
        written.map_err(FileError::io("write segment", &active.segment.path))?;
        self.at += bytes.len() as u64;
        active.segment.written.store(self.at, Ordering::Release);
        Ok(())
    }
}

/// The calling thread's number. Threads count up, so those of a runtime, which are started together, spread evenly.
fn home() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static HOME: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    HOME.with(|home| *home)
}

fn lock(lane: &Padded) -> MutexGuard<'_, Lane> {
    lane.0.lock().unwrap_or_else(PoisonError::into_inner)
}
