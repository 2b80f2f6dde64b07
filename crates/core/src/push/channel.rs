//! The channel: a topic, its window, and who listens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::task::AtomicWaker;

use super::window::{After, Window};
use crate::events::Position;

/// What wakes a session, whatever the reason is.
#[derive(Debug, Default)]
pub(super) struct Bell(AtomicWaker);

impl Bell {
    /// From now on `waker` is woken.
    pub(super) fn answer(&self, waker: &std::task::Waker) {
        self.0.register(waker);
    }

    pub(super) fn ring(&self) {
        self.0.wake();
    }
}

/// Bells, each under a number by which it is taken out again.
#[derive(Debug, Default)]
pub(super) struct Bells {
    hung: Vec<Option<Arc<Bell>>>,
    free: Vec<usize>,
}

impl Bells {
    pub(super) fn hang(&mut self, bell: Arc<Bell>) -> usize {
        match self.free.pop() {
            Some(number) => {
                self.hung[number] = Some(bell);
                number
            }
            None => {
                self.hung.push(Some(bell));
                self.hung.len() - 1
            }
        }
    }

    pub(super) fn take(&mut self, number: usize) {
        if self.hung[number].take().is_some() {
            self.free.push(number);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.hung.len() - self.free.len()
    }

    pub(super) fn ring(&self) {
        for bell in self.hung.iter().flatten() {
            bell.ring();
        }
    }
}

/// A topic that somebody listens to.
#[derive(Debug)]
pub(super) struct Channel {
    window: Mutex<Window>,
    bells: Mutex<Bells>,
}

impl Channel {
    /// A channel that holds everything after `start`, which is nothing so far.
    pub(super) fn new(start: Position) -> Self {
        Self { window: Mutex::new(Window::new(start)), bells: Mutex::default() }
    }

    pub(super) fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn bells(&self) -> MutexGuard<'_, Bells> {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often the window began anew.
    pub(super) fn generation(&self) -> u32 {
        self.window().generation()
    }

    /// What there is after `position`, for one who asked the log at this `generation`.
    pub(super) fn after(&self, position: Position, generation: u32) -> After {
        self.window().after(position, generation)
    }
}
