//! The newest events of a topic, shared by all who listen to it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::Frame;
use crate::events::Position;

/// How much of a topic is kept for those who are behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// The most frames.
    pub(super) frames: usize,
    /// The most bytes.
    pub(super) bytes: usize,
    /// Whether that is less than usual, so that falling out of it is nobody's fault.
    pub(super) is_tight: bool,
}

/// The newest events of a topic: everything after `start`.
///
/// This is the queue of every session that listens, held once for them all: each has but its own place in it. Who falls
/// out of it at the old end is too far behind.
#[derive(Debug)]
pub(super) struct Window {
    /// Everything after it is here.
    start: Position,
    /// How often it began anew: who stood in it before asks the log.
    generation: u32,
    /// It was made smaller than usual the last time that something was let go.
    is_squeezed: bool,
    frames: VecDeque<(Timestamp, Arc<Frame>)>,
    bytes: usize,
    /// The newest frame that tells how a count stands, by subject.
    counts: HashMap<Box<str>, Arc<Frame>>,
}

/// What there is after a place.
#[derive(Debug)]
pub(super) enum After {
    /// The next frame.
    Frame(Arc<Frame>),
    /// Nothing yet.
    UpToDate,
    /// More than the window holds: what is missing is in the log. The window begins here.
    Fallen(Position),
    /// The log may know more, or nothing of the place: ask it.
    Unknown,
}

impl Window {
    /// A window that holds everything after `start`, which is nothing so far.
    pub(super) fn new(start: Position) -> Self {
        Self { start, generation: 0, is_squeezed: false, frames: VecDeque::new(), bytes: 0, counts: HashMap::new() }
    }

    /// Adds the next frame, and lets go of the oldest ones beyond `bound`. Says by how many bytes the window has grown.
    pub(super) fn push(&mut self, frame: Arc<Frame>, now: Timestamp, bound: Bound) -> isize {
        let before = self.bytes as isize;
        if let Some(subject) = frame.subject().filter(|_| counts(&frame))
            && let Some(older) = self.counts.insert(subject.into(), frame.clone())
        {
            older.supersede();
        }
        self.bytes += frame.size();
        self.frames.push_back((now, frame));
        // The newest is kept, however large it is.
        while self.frames.len() > 1 && (self.frames.len() > bound.frames || self.bytes > bound.bytes) {
            self.is_squeezed = bound.is_tight;
            self.pop();
        }
        self.bytes as isize - before
    }

    /// Lets go of what was added before `before`. Says by how many bytes the window has grown.
    pub(super) fn forget(&mut self, before: Timestamp) -> isize {
        let bytes = self.bytes;
        while self.frames.front().is_some_and(|(added, _)| *added < before) {
            self.is_squeezed = false;
            self.pop();
        }
        self.bytes as isize - bytes as isize
    }

    /// Begins anew at `start`: what was between is not known here. Says by how many bytes the
    /// window has grown.
    pub(super) fn tear(&mut self, start: Position) -> isize {
        let bytes = self.bytes as isize;
        *self = Self { generation: self.generation.wrapping_add(1), ..Self::new(start) };
        -bytes
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// What there is after `position`, for one who asked the log when the window was of this `generation`.
    pub(super) fn after(&self, position: Position, generation: u32) -> After {
        if position.epoch != self.start.epoch || generation != self.generation {
            return After::Unknown;
        }
        if position < self.start {
            return if self.is_squeezed { After::Unknown } else { After::Fallen(self.start) };
        }
        let next = self.frames.partition_point(|(_, frame)| frame.position() <= position);
        self.frames.get(next).map_or(After::UpToDate, |(_, frame)| After::Frame(frame.clone()))
    }

    fn pop(&mut self) {
        let Some((_, frame)) = self.frames.pop_front() else { return };
        self.start = frame.position();
        self.bytes -= frame.size();
        if let Some(subject) = frame.subject()
            && self.counts.get(subject).is_some_and(|newest| Arc::ptr_eq(newest, &frame))
        {
            self.counts.remove(subject);
        }
    }
}

/// Whether a frame tells how a count stands, so that the newest one says it all.
fn counts(frame: &Frame) -> bool {
    frame.kind().as_str() == "link.clicked"
}
