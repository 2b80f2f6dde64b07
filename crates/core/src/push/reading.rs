//! What a subscription asks the log.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::task::AbortOnDropHandle;

use super::{Frame, From, Hub};
use crate::error::{Error, Result};
use crate::events::{EventFilter, Logged, Position, Read};

/// How many events of the log are asked for at once by who is behind.
const EVENTS: usize = 100;
/// How many bytes of them are held, about: as much as a transport holds.
const BYTES: usize = 64 * 1024;

/// A question to the log. It is answered in a task of its own: a session that is not polled, since its client takes nothing,
/// must not hold a connection of the store meanwhile.
pub(super) type Asking<T> = AbortOnDropHandle<Result<T>>;

/// Asks where to begin.
pub(super) fn find(hub: &Arc<Hub>, from: From) -> Asking<Position> {
    let (bus, readers) = (hub.bus.clone(), hub.readers.clone());
    AbortOnDropHandle::new(tokio::spawn(async move {
        let _one_of_few = readers.acquire_owned().await.map_err(Error::internal)?;
        let bounds = bus.bounds().await?;
        Ok(if from == From::Start { bounds.start } else { bounds.end })
    }))
}

/// Asks for what comes after a place.
pub(super) fn read(hub: &Arc<Hub>, after: Position, filter: &EventFilter) -> Asking<Read> {
    let (bus, readers, filter) = (hub.bus.clone(), hub.readers.clone(), filter.clone());
    AbortOnDropHandle::new(tokio::spawn(async move {
        let _one_of_few = readers.acquire_owned().await.map_err(Error::internal)?;
        bus.read(after, &filter, EVENTS).await
    }))
}

/// What the log said.
pub(super) struct Page {
    pub(super) frames: VecDeque<Arc<Frame>>,
    /// Up to where it looked.
    pub(super) next: Position,
    /// Whether it has more.
    pub(super) more: bool,
}

impl Page {
    /// As much of an answer as may be held for one client; the rest is asked for again.
    pub(super) fn of(hub: &Hub, events: &[Logged], next: Position, more: bool, now: Timestamp) -> Self {
        let (mut frames, mut bytes) = (VecDeque::new(), 0);
        for logged in events {
            if bytes >= BYTES {
                let next = frames.back().map_or(next, |frame: &Arc<Frame>| frame.position());
                return Self { frames, next, more: true };
            }
            if let Some(frame) = hub.frame(logged, now) {
                bytes += frame.size();
                frames.push_back(frame);
            }
        }
        Self { frames, next, more }
    }
}
