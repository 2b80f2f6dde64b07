//! One subscription of a session: where it stands, and what comes next.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::Timestamp;

use super::channel::Bell;
use super::hub::Listening;
use super::presence::Watch;
use super::reading::{Asking, Page, find, read};
use super::watching::Watching;
use super::window::After;
use super::{Frame, Hub, Push, Topic};
use crate::error::{Error, Result};
use crate::events::{EventFilter, EventType, Position, Read};
use crate::ids::WorkspaceId;

/// How long to wait before a log that is away is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// How many frames are looked at before others get their turn.
const TURN: usize = 256;

/// What a client wants to hear.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// What the client calls it.
    pub id: Arc<str>,
    /// Of these types; of any if there are none.
    pub types: Vec<EventType>,
    /// Of this subject; of all if there is none.
    pub subject: Option<String>,
    /// From where on.
    pub from: From,
    /// What becomes of one who is too slow.
    pub overflow: Overflow,
    /// The most events that are sent before the client acknowledges them; as many as there are without it.
    pub most_unacknowledged: Option<u32>,
    /// Whether to be present at the subject, and to hear who else is.
    pub presence: bool,
}

/// From where on a subscription hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// What happens from now on.
    Now,
    /// From the oldest event kept.
    Start,
    /// After this place.
    After(Position),
}

/// What becomes of a subscriber who is further behind than is held for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It is cut off, comes back with its cursor, and misses nothing.
    #[default]
    Disconnect,
    /// The oldest events are left out, and it is told so.
    DropOldest,
    /// As before; and of the events that tell how a count stands, those that a later one has overtaken are left out even
    /// while it keeps up.
    Conflate,
}

/// The subscriber is too slow, and wants to be cut off then.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooSlow;

/// Where a subscription stands.
enum Stage {
    /// It does not listen yet.
    Beginning,
    /// The log is asked where to begin.
    Finding(Asking<Position>),
    /// It waits for its turn to ask the log for what comes next.
    Queued,
    /// The log is asked for what comes next.
    Reading(Asking<Read>),
    /// What the log said.
    Page(Page),
    /// The log was away.
    Waiting(Timestamp),
    /// The window has what comes next.
    Live,
}

/// A subscription.
pub(super) struct Subscription {
    id: Arc<str>,
    workspace: WorkspaceId,
    filter: EventFilter,
    from: From,
    overflow: Overflow,
    /// Where it stands; nowhere before it began.
    position: Option<Position>,
    stage: Stage,
    listening: Option<Listening>,
    /// How often the window had begun anew when the log was asked last.
    generation: u32,
    /// Whether its client knows that it stands.
    is_told: bool,
    /// What is told next, whatever else there is.
    owed: Option<Push>,
    /// Whether it has been live, so that falling behind is the client's doing.
    was_live: bool,
    most_unacknowledged: Option<usize>,
    unacknowledged: VecDeque<Position>,
    watching: Option<Watching>,
}

impl Subscription {
    pub(super) fn new(workspace: WorkspaceId, wanted: Subscribe, watch: Option<Watch>) -> Self {
        Self {
            id: wanted.id,
            workspace,
            filter: EventFilter { workspace: Some(workspace), types: wanted.types, subject: wanted.subject },
            from: wanted.from,
            overflow: wanted.overflow,
            position: None,
            stage: Stage::Beginning,
            listening: None,
            generation: 0,
            is_told: false,
            owed: None,
            was_live: false,
            most_unacknowledged: wanted.most_unacknowledged.map(|most| most.max(1) as usize),
            unacknowledged: VecDeque::new(),
            watching: watch.map(Watching::new),
        }
    }

    pub(super) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// When it wants to be looked at again, if nothing wakes it.
    pub(super) fn due(&self) -> Option<Timestamp> {
        if let Stage::Waiting(until) = &self.stage { Some(*until) } else { None }
    }

    /// The client has everything up to `position`.
    pub(super) fn acknowledge(&mut self, position: Position) {
        while self.unacknowledged.front().is_some_and(|sent| *sent <= position) {
            self.unacknowledged.pop_front();
        }
    }

    /// Whether its client is further behind than it may be, while it takes nothing.
    pub(super) fn is_too_slow(&self) -> bool {
        if !matches!(self.stage, Stage::Live) || !self.may_overflow() || self.overflow != Overflow::Disconnect {
            return false;
        }
        let (Some(listening), Some(position)) = (&self.listening, self.position) else { return false };
        matches!(listening.channel.after(position, self.generation), After::Fallen(_))
    }

    /// Whether falling behind is the client's doing. One that sets its own pace goes on from the log.
    fn may_overflow(&self) -> bool {
        self.was_live && self.most_unacknowledged.is_none()
    }

    /// Whether as much was sent as its client wants before it acknowledges.
    fn is_held(&self) -> bool {
        self.most_unacknowledged.is_some_and(|most| self.unacknowledged.len() >= most)
    }

    /// Whether it asks the log, or tells what that said.
    pub(super) fn is_reading(&self) -> bool {
        matches!(self.stage, Stage::Reading(_) | Stage::Page(_))
    }

    /// Whether it would ask the log, and waits for its turn.
    pub(super) fn is_queued(&self) -> bool {
        matches!(self.stage, Stage::Queued) && !self.is_held()
    }

    /// Whether what it tells is what happens now.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Live)
    }

    /// The next push. `may_read` says whether the log may be asked, which one subscription of a session does at a time.
    pub(super) fn poll(
        &mut self,
        hub: &Arc<Hub>,
        bell: &Arc<Bell>,
        now: Timestamp,
        may_read: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Push, TooSlow>> {
        if let Some(push) = self.owed.take() {
            return Poll::Ready(Ok(push));
        }
        let next = self.poll_events(hub, bell, now, may_read, cx);
        // Events go first: a crowd that comes and goes holds nothing up.
        let presence = self.watching.as_mut().filter(|_| self.is_told && next.is_pending());
        match presence.and_then(|watching| watching.poll(&self.id, cx)) {
            Some(push) => Poll::Ready(Ok(push)),
            None => next,
        }
    }

    fn poll_events(
        &mut self,
        hub: &Arc<Hub>,
        bell: &Arc<Bell>,
        now: Timestamp,
        may_read: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Push, TooSlow>> {
        let mut looked = 0;
        // What the log said a moment ago it says again: it is not asked twice in a turn.
        let mut has_read = false;
        loop {
            let is_held = self.is_held();
            match &mut self.stage {
                Stage::Beginning => {
                    let subject = self.filter.subject.as_deref().map(Into::into);
                    let topic = Topic { workspace: self.workspace, subject };
                    // Listens first and asks the log then, so that there is no seam between the two.
                    let Some(listening) = hub.listen(topic, bell.clone()) else { return Poll::Pending };
                    self.generation = listening.channel.generation();
                    let head = listening.head;
                    self.listening = Some(listening);
                    self.stage = match self.from {
                        From::After(position) => {
                            self.position = Some(position);
                            // Only the log knows whether a place beyond what was read of it is one.
                            let is_known = position.epoch == head.epoch && position <= head;
                            if is_known { Stage::Live } else { Stage::Queued }
                        }
                        from => Stage::Finding(find(hub, from)),
                    };
                }
                Stage::Finding(asking) => match std::task::ready!(answer(asking, cx)) {
                    Ok(position) => {
                        self.position = Some(position);
                        self.stage = Stage::Live;
                        return Poll::Ready(Ok(self.subscribed(hub, false)));
                    }
                    Err(error) => self.wait(now, &error),
                },
                Stage::Queued => match (self.position, &self.listening) {
                    (Some(position), Some(listening)) if may_read && !is_held => {
                        self.generation = listening.channel.generation();
                        self.was_live = false;
                        self.stage = Stage::Reading(read(hub, position, &self.filter));
                    }
                    (None, _) | (_, None) => self.stage = Stage::Beginning,
                    _ => return Poll::Pending,
                },
                Stage::Reading(asking) => match std::task::ready!(answer(asking, cx)) {
                    Ok(Read::Events { events, next, more }) => {
                        if events.is_empty() && !more {
                            // Nothing is missing up to here, and a client that comes back need not go over it again.
                            self.position = Some(next);
                        }
                        self.stage = Stage::Page(Page::of(hub, &events, next, more, now));
                        if !self.is_told {
                            return Poll::Ready(Ok(self.subscribed(hub, true)));
                        }
                    }
                    Ok(Read::Reset(bounds)) => {
                        metrics::counter!("waypost_live_resets_total").increment(1);
                        self.position = Some(bounds.start);
                        self.unacknowledged.clear();
                        self.stage = Stage::Queued;
                        let reset = Push::Reset { id: self.id.clone(), cursor: self.cursor(hub) };
                        if self.is_told {
                            return Poll::Ready(Ok(reset));
                        }
                        self.owed = Some(reset);
                        return Poll::Ready(Ok(self.subscribed(hub, false)));
                    }
                    Err(error) => self.wait(now, &error),
                },
                // What its client does not want yet is asked for again: others of the session have their turn meanwhile.
                Stage::Page(_) if is_held => self.stage = Stage::Queued,
                Stage::Page(page) => match page.frames.pop_front() {
                    Some(frame) => return Poll::Ready(Ok(self.event(frame))),
                    None => {
                        has_read = !page.more;
                        self.position = Some(page.next);
                        self.stage = if has_read { Stage::Live } else { Stage::Queued };
                    }
                },
                Stage::Waiting(until) if *until > now => return Poll::Pending,
                Stage::Waiting(_) => {
                    self.stage = match self.position {
                        Some(_) => Stage::Queued,
                        None => Stage::Finding(find(hub, self.from)),
                    };
                }
                Stage::Live if is_held => return Poll::Pending,
                Stage::Live => {
                    let (Some(listening), Some(position)) = (&self.listening, self.position) else {
                        self.stage = Stage::Beginning;
                        continue;
                    };
                    let head = hub.head().filter(|_| !self.is_told);
                    match listening.channel.after(position, self.generation) {
                        After::Frame(frame) => {
                            if !self.is_told {
                                return Poll::Ready(Ok(self.subscribed(hub, true)));
                            }
                            self.was_live = true;
                            let overtaken = self.overflow == Overflow::Conflate && frame.is_superseded();
                            if !overtaken && (self.filter.types.is_empty() || self.filter.types.contains(frame.kind()))
                            {
                                return Poll::Ready(Ok(self.event(frame)));
                            }
                            self.position = Some(frame.position());
                            looked += 1;
                            if looked == TURN {
                                cx.waker().wake_by_ref();
                                return Poll::Pending;
                            }
                        }
                        After::UpToDate => {
                            if !self.is_told {
                                // The log was read to its head, and had nothing for it.
                                let head = head.filter(|head| head.epoch == position.epoch && *head > position);
                                self.position = head.or(Some(position));
                                return Poll::Ready(Ok(self.subscribed(hub, true)));
                            }
                            self.was_live = true;
                            return Poll::Pending;
                        }
                        After::Fallen(start) if self.may_overflow() => match self.overflow {
                            Overflow::Disconnect => return Poll::Ready(Err(TooSlow)),
                            Overflow::DropOldest | Overflow::Conflate => {
                                metrics::counter!("waypost_live_skipped_total").increment(1);
                                self.position = Some(start);
                                let cursor = self.cursor(hub);
                                return Poll::Ready(Ok(Push::Skipped { id: self.id.clone(), cursor }));
                            }
                        },
                        // The log has told all that it knows, and the window does not know of it yet: it will.
                        After::Unknown if has_read => return Poll::Pending,
                        After::Fallen(_) | After::Unknown => self.stage = Stage::Queued,
                    }
                }
            }
        }
    }

    /// Goes on after `frame`, and tells it.
    fn event(&mut self, frame: Arc<Frame>) -> Push {
        self.position = Some(frame.position());
        if self.most_unacknowledged.is_some() {
            self.unacknowledged.push_back(frame.position());
        }
        Push::Event { id: self.id.clone(), frame }
    }

    /// Tells that it stands.
    fn subscribed(&mut self, hub: &Hub, recovered: bool) -> Push {
        self.is_told = true;
        if recovered {
            metrics::counter!("waypost_live_resumes_total").increment(1);
        }
        Push::Subscribed { id: self.id.clone(), cursor: self.cursor(hub), recovered }
    }

    fn cursor(&self, hub: &Hub) -> Box<str> {
        self.position.map(|position| hub.cursor(self.workspace, position)).unwrap_or_default()
    }

    /// The log is away: it is asked again, for as long as the client stays.
    fn wait(&mut self, now: Timestamp, error: &crate::Error) {
        tracing::debug!(error = ?error, "a live session cannot read the log");
        self.stage = Stage::Waiting(now + AGAIN);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id).field("position", &self.position).finish_non_exhaustive()
    }
}

/// The answer of the log, once it is there.
fn answer<T>(asking: &mut Asking<T>, cx: &mut Context<'_>) -> Poll<Result<T>> {
    Pin::new(asking).poll(cx).map(|ended| ended.unwrap_or_else(|fault| Err(Error::internal(fault))))
}
