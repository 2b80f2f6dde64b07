//! The hub: one reader of the log, and all sessions of a node.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use metrics::Histogram;
use tokio::sync::{Notify, Semaphore};

use super::channel::{Bell, Channel};
use super::presence::Presences;
use super::seats::{Full, Seat, Seats};
use super::window::Bound;
use super::{Closing, Frame, LiveOptions, Reason, Session, Topic, Transport};
use crate::clock::Clock;
use crate::credentials::Principal;
use crate::entropy::Entropy;
use crate::error::Result;
use crate::events::{EventBus, Logged, Position, binding};
use crate::identity::Proof;
use crate::ids::WorkspaceId;
use crate::page::{Cursors, InvalidCursor};

/// How many sessions ask the log at a time: the store has other work as well, and a node's worth of clients may come back
/// at once.
const MOST_READERS: usize = 16;
/// Above its share of memory a topic holds so many events, for those who are but a moment behind.
const TIGHT: Bound = Bound { frames: 16, bytes: 64 * 1024, is_tight: true };
/// When clients may come back that were sent away since there are too many: after so long, and up to twice it.
const TOO_MANY: Duration = Duration::from_secs(5);
/// The soonest that a client is told to come back to a node that stops.
const SOONEST: Duration = Duration::from_secs(1);

/// The sessions of a node, and the newest events of what they listen to.
///
/// A node reads the log once ([`Tail`](super::Tail)), whatever the number of its sessions. What it reads is put into the
/// window of each topic that somebody listens to, and the sessions there are woken; each takes what is
/// after its own place, or asks the log where the window does not reach back so far.
#[derive(Debug)]
pub struct Hub {
    pub(super) bus: Arc<dyn EventBus>,
    pub(super) cursors: Arc<Cursors>,
    pub(super) presences: Presences,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) options: LiveOptions,
    floors: Mutex<Floors>,
    bytes: AtomicIsize,
    seats: Arc<Seats>,
    leaving: OnceLock<Leaving>,
    /// Whoever asks the log holds one of these meanwhile.
    pub(super) readers: Arc<Semaphore>,
    /// Somebody listens to a topic that nobody did before.
    pub(super) listened: Notify,
    left: Notify,
    fanout: [Histogram; Transport::ALL.len()],
}

/// What is listened to, workspace by workspace.
#[derive(Debug, Default)]
struct Floors {
    /// Up to where the log was read; `None` before the first look.
    head: Option<Position>,
    workspaces: HashMap<WorkspaceId, Floor>,
}

#[derive(Debug, Default)]
struct Floor {
    all: Option<Arc<Channel>>,
    subjects: HashMap<Box<str>, Arc<Channel>>,
}

impl Floor {
    fn is_empty(&self) -> bool {
        self.all.is_none() && self.subjects.is_empty()
    }

    fn channels(&self) -> impl Iterator<Item = &Arc<Channel>> {
        self.all.iter().chain(self.subjects.values())
    }
}

/// Sending everybody away.
#[derive(Debug)]
struct Leaving {
    since: Timestamp,
    /// By when they must be gone.
    until: Timestamp,
    /// Between two of them.
    step: Duration,
    /// How long it takes to send all away.
    lap: Duration,
    sent: AtomicUsize,
}

/// Who opens a session, and how.
#[derive(Debug)]
pub struct Opening {
    /// Who it is.
    pub who: Principal,
    /// Until when that holds, as far as is known.
    pub until: Option<Timestamp>,
    /// Asks again who it is; without one, what was found holds until it ends.
    pub proof: Option<Arc<dyn Proof>>,
    /// Where they come from, as limits count it (IPv6 by /64).
    pub address: Option<IpAddr>,
    /// Which way the frames go.
    pub transport: Transport,
}

impl Hub {
    /// A hub without sessions, over `bus`.
    pub fn new(
        bus: Arc<dyn EventBus>,
        cursors: Arc<Cursors>,
        presences: Presences,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: LiveOptions,
    ) -> Self {
        let fanout = Transport::ALL
            .map(|transport| metrics::histogram!("waypost_live_fanout_seconds", "transport" => transport.as_str()));
        Self {
            bus,
            cursors,
            presences,
            clock,
            entropy,
            options,
            floors: Mutex::default(),
            bytes: AtomicIsize::new(0),
            seats: Arc::default(),
            leaving: OnceLock::new(),
            readers: Arc::new(Semaphore::new(MOST_READERS)),
            listened: Notify::new(),
            left: Notify::new(),
            fanout,
        }
    }

    /// Opens a session.
    ///
    /// # Errors
    /// Why there is no seat, and when to come back: as the last word that the client is told.
    pub fn open(self: &Arc<Self>, opening: Opening) -> Result<Session, Closing> {
        let bell = Arc::new(Bell::default());
        match self.seats.enter(&opening.who, opening.address, bell.clone(), &self.options) {
            Ok(seat) => Ok(Session::new(self.clone(), seat, bell, opening)),
            Err(full) => {
                let closing = match full {
                    Full::TooMany => {
                        let reconnect_after = TOO_MANY + self.by_chance(TOO_MANY);
                        Closing { reason: Reason::TooMany, reconnect_after }
                    }
                    Full::Closed => {
                        let lap = self.leaving.get().map_or(SOONEST, |leaving| leaving.lap.max(SOONEST));
                        Closing { reason: Reason::Drain, reconnect_after: lap + self.by_chance(lap) }
                    }
                };
                let (transport, reason) = (opening.transport.as_str(), closing.reason.as_str());
                metrics::counter!("waypost_live_refused_total", "transport" => transport, "reason" => reason)
                    .increment(1);
                Err(closing)
            }
        }
    }

    /// How many sessions there are.
    pub fn sessions(&self) -> usize {
        self.seats.len()
    }

    /// The place that a client's cursor names.
    ///
    /// # Errors
    /// [`InvalidCursor`](crate::Kind::InvalidCursor) for one that is forged, or of another workspace.
    pub fn position(&self, workspace: WorkspaceId, cursor: &str) -> Result<Position> {
        let bytes = self.cursors.open(&binding(workspace), cursor)?;
        Position::from_bytes(&bytes).ok_or_else(|| InvalidCursor.into())
    }

    /// The cursor of a place.
    pub fn cursor(&self, workspace: WorkspaceId, position: Position) -> Box<str> {
        self.cursors.seal(&binding(workspace), &position.to_bytes()).into()
    }

    /// Sends all sessions away, one after the other at the rate of the options, and returns when they are gone. Those that
    /// are left after `patience` go at once. Nobody comes in any more.
    ///
    /// Each is told to come back after the time that it takes to send all away. So they come back at the rate at which they
    /// went, whether they find another node at the first try, or try again and again until this one is there: at each try
    /// they are as far apart as they were when they left.
    pub async fn drain(&self, patience: Duration) {
        let all = u32::try_from(self.seats.close()).unwrap_or(u32::MAX);
        let since = self.clock.now();
        let step = Duration::from_secs(1) / self.options.drain_rate.max(1);
        let leaving = Leaving { since, until: since + patience, step, lap: step * all, sent: AtomicUsize::new(0) };
        let _ = self.leaving.set(leaving);
        self.seats.ring();
        while self.seats.len() > 0 {
            self.left.notified().await;
        }
    }

    /// The last turn to leave, if the node stops: when, and when to come back.
    pub(super) fn leaving(&self) -> Option<(Timestamp, Duration)> {
        self.leaving.get()?;
        Some(self.leave(self.clock.now()))
    }

    /// A turn to leave: when it is, and after how long the client may come back.
    fn leave(&self, now: Timestamp) -> (Timestamp, Duration) {
        let Some(leaving) = self.leaving.get() else { return (now, SOONEST) };
        let number = u32::try_from(leaving.sent.fetch_add(1, Ordering::Relaxed)).unwrap_or(u32::MAX);
        let turn = leaving.since + leaving.step.saturating_mul(number);
        let due = turn.min(leaving.until).max(now);
        let early = Duration::try_from(turn.duration_since(due)).unwrap_or_default();
        (due, leaving.lap.max(SOONEST) + early)
    }

    /// A time between none and `most`.
    pub(super) fn by_chance(&self, most: Duration) -> Duration {
        let mut bytes = [0; 4];
        self.entropy.fill(&mut bytes);
        most.mul_f64(f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
    }

    fn floors(&self) -> MutexGuard<'_, Floors> {
        self.floors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to where the log was read.
    pub(super) fn head(&self) -> Option<Position> {
        self.floors().head
    }

    /// Goes on at `head` if nobody listens, so that nothing needs to be read; says whether that is so.
    pub(super) fn skip_to(&self, head: Position) -> bool {
        let mut floors = self.floors();
        let (is_idle, is_first) = (floors.workspaces.is_empty(), floors.head.is_none());
        if is_idle || is_first {
            floors.head = Some(head);
        }
        drop(floors);
        if is_first {
            self.seats.ring();
        }
        is_idle
    }

    pub(super) fn is_idle(&self) -> bool {
        self.floors().workspaces.is_empty()
    }

    /// Listens to a topic; `None` before the log was looked at.
    pub(super) fn listen(self: &Arc<Self>, topic: Topic, bell: Arc<Bell>) -> Option<Listening> {
        let mut floors = self.floors();
        let head = floors.head?;
        let floor = floors.workspaces.entry(topic.workspace).or_default();
        let fresh = || Arc::new(Channel::new(head));
        let channel = match &topic.subject {
            None => floor.all.get_or_insert_with(fresh).clone(),
            Some(subject) => floor.subjects.entry(subject.clone()).or_insert_with(fresh).clone(),
        };
        let number = channel.bells().hang(bell);
        drop(floors);
        self.listened.notify_one();
        Some(Listening { hub: self.clone(), topic, channel, number, head })
    }

    /// Puts what was read up to `next` where somebody listens to it, and wakes who does.
    pub(super) fn publish(&self, events: &[Logged], next: Position) {
        let now = self.clock.now();
        let mut touched: Vec<Arc<Channel>> = Vec::new();
        let mut floors = self.floors();
        for logged in events {
            let Some(floor) = floors.workspaces.get(&logged.event.workspace) else { continue };
            let subject = logged.event.subject.as_deref().and_then(|subject| floor.subjects.get(subject));
            if floor.all.is_none() && subject.is_none() {
                continue;
            }
            let Some(frame) = self.frame(logged, now) else { continue };
            for channel in floor.all.iter().chain(subject) {
                let bytes = channel.window().push(frame.clone(), now, self.bound());
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
                if !touched.iter().any(|known| Arc::ptr_eq(known, channel)) {
                    touched.push(channel.clone());
                }
            }
        }
        floors.head = Some(next);
        drop(floors);
        for channel in touched {
            channel.bells().ring();
        }
    }

    /// Writes an event down. One that cannot be shown is no event for anybody.
    pub(super) fn frame(&self, logged: &Logged, now: Timestamp) -> Option<Arc<Frame>> {
        match Frame::of(logged, &self.cursors, now) {
            Ok(frame) => Some(Arc::new(frame)),
            Err(error) => {
                tracing::error!(event = %logged.event.id, error = ?error, "an event cannot be shown");
                None
            }
        }
    }

    /// Begins anew at `end`: what was before it was never read here. The sessions ask the log.
    pub(super) fn tear(&self, end: Position) {
        let mut floors = self.floors();
        floors.head = Some(end);
        for channel in floors.workspaces.values().flat_map(Floor::channels) {
            let bytes = channel.window().tear(end);
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        drop(floors);
        self.seats.ring();
    }

    /// Lets go of events that were held long enough.
    pub(super) fn forget(&self, now: Timestamp) {
        let before = now - self.options.behind_time;
        let floors = self.floors();
        for channel in floors.workspaces.values().flat_map(Floor::channels) {
            let bytes = channel.window().forget(before);
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        metrics::gauge!("waypost_live_window_bytes").set(self.bytes.load(Ordering::Relaxed) as f64);
    }

    fn bound(&self) -> Bound {
        if self.bytes.load(Ordering::Relaxed) > self.options.most_bytes as isize {
            return TIGHT;
        }
        Bound { frames: self.options.behind_events, bytes: self.options.behind_bytes, is_tight: false }
    }

    /// Notes that a session was given a frame as it happened.
    pub(super) fn count_frame(&self, transport: Transport, frame: &Frame, now: Timestamp) {
        self.fanout[transport as usize].record(now.duration_since(frame.read_at()).as_secs_f64().max(0.0));
    }

    pub(super) fn count_closing(&self, transport: Transport, reason: Reason) {
        let (transport, reason) = (transport.as_str(), reason.as_str());
        metrics::counter!("waypost_live_closed_total", "transport" => transport, "reason" => reason).increment(1);
    }

    /// A session has ended, and given its seat back.
    pub(super) fn ended(&self, seat: Seat) {
        drop(seat);
        if self.leaving.get().is_some() {
            self.left.notify_one();
        }
    }
}

/// Somebody listens to a topic, until this is dropped.
#[derive(Debug)]
pub(super) struct Listening {
    hub: Arc<Hub>,
    topic: Topic,
    pub(super) channel: Arc<Channel>,
    number: usize,
    /// Up to where the log was read when it began.
    pub(super) head: Position,
}

impl Drop for Listening {
    fn drop(&mut self) {
        // The floors first, as everywhere: who comes in at this moment finds the channel with its listener, or makes one.
        let mut floors = self.hub.floors();
        let mut bells = self.channel.bells();
        bells.take(self.number);
        if bells.len() > 0 {
            return;
        }
        drop(bells);
        let bytes = self.channel.window().bytes() as isize;
        self.hub.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let Some(floor) = floors.workspaces.get_mut(&self.topic.workspace) else { return };
        match &self.topic.subject {
            None => floor.all = None,
            Some(subject) => drop(floor.subjects.remove(subject)),
        }
        if floor.is_empty() {
            floors.workspaces.remove(&self.topic.workspace);
        }
    }
}
