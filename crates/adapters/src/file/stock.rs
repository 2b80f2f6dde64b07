//! Files that are allocated before they are needed, so that a full disk shows one segment early, and a thread that
//! appends seldom waits for the file system.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::error::{FileError, RETRY};
use super::folder::{Blank, Folder};

#[derive(Debug, Default)]
pub(super) struct Stock {
    state: Mutex<State>,
    wanted: Condvar,
    /// Held while a file is made: who finds nothing in stock waits for the file that is about to be there, instead of
    /// taking the space that this one has just taken for a full disk.
    making: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    blanks: VecDeque<Blank>,
    /// Somebody asked for more since the last attempt.
    wanted: bool,
    closing: bool,
    /// When allocating failed last, until it succeeds.
    failed: Option<Timestamp>,
}

impl Stock {
    /// A file to begin the next segment in: one that is in stock, or else a fresh one.
    ///
    /// After a failure it tries again once a second, and as soon as [`Self::restock`] says that there is room.
    pub(super) fn take(&self, folder: &Folder) -> Result<Blank, FileError> {
        if let Some(blank) = self.pop() {
            return Ok(blank);
        }
        let now = folder.clock.now();
        // A clock that was set back does not stretch the wait.
        let too_soon = |at: Timestamp| now >= at && now.duration_since(at).unsigned_abs() < RETRY;
        if self.lock().failed.is_some_and(too_soon) {
            return Err(FileError::NoSpace);
        }
        let _making = self.lock_making();
        if let Some(blank) = self.pop() {
            return Ok(blank);
        }
        let blank = self.allocate(folder)?;
        self.restock();
        Ok(blank)
    }

    /// Has the thread of [`Self::keep`] try to fill up.
    pub(super) fn restock(&self) {
        let mut state = self.lock();
        state.failed = None;
        state.wanted = true;
        self.wanted.notify_one();
    }

    /// Keeps one file in stock for each lane, until [`Self::close`]. Sleeps while there is nothing to do.
    pub(super) fn keep(&self, folder: &Folder) {
        let mut state = self.lock();
        state.wanted = true;
        while !state.closing {
            if !state.wanted || state.blanks.len() >= folder.options.lanes {
                state.wanted = false;
                state = self.wanted.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.wanted = false;
            drop(state);
            let making = self.lock_making();
            let blank = self.allocate(folder);
            state = self.lock();
            drop(making);
            if let Ok(blank) = blank {
                state.blanks.push_back(blank);
                state.wanted = true;
            }
        }
    }

    /// Ends [`Self::keep`].
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.wanted.notify_all();
    }

    /// What is left, for its removal.
    pub(super) fn drain(&self) -> VecDeque<Blank> {
        std::mem::take(&mut self.lock().blanks)
    }

    fn pop(&self) -> Option<Blank> {
        let mut state = self.lock();
        let blank = state.blanks.pop_front()?;
        state.wanted = true;
        self.wanted.notify_one();
        Some(blank)
    }

    /// To be called under the lock of [`Self::lock_making`].
    fn allocate(&self, folder: &Folder) -> Result<Blank, FileError> {
        let blank = folder.blank();
        let failed = blank.as_ref().err().map(|_| folder.clock.now());
        let before = std::mem::replace(&mut self.lock().failed, failed);
        match (&blank, before) {
            (Err(error), None) => {
                tracing::warn!(error = error as &dyn std::error::Error, "no room for a further click segment");
            }
            (Ok(_), Some(_)) => tracing::info!("there is room for click segments again"),
            _ => {}
        }
        blank
    }

    fn lock_making(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
