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
use super::presence::{PresenceChange, Watch};
use super::window::After;
use super::{Frame, Hub, Push, Topic};
use crate::error::Result;
use crate::events::{EventFilter, EventType, Position, Read};
use crate::ids::WorkspaceId;

/// How many events of the log are asked for at once by who is behind.
const PAGE: usize = 100;
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

type Asking<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Where a subscription stands.
enum Stage {
    /// It does not listen yet.
    Beginning,
    /// The log is asked where to begin.
    Finding(Asking<Position>),
    /// The log is asked for what comes next.
    Reading(Asking<Read>),
    /// What the log had, and whether it has more.
    Page(VecDeque<Arc<Frame>>, Position, bool),
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

/// A subscription that is present at its subject.
struct Watching {
    watch: Watch,
    /// Whether its client was told who is there.
    is_told: bool,
    /// What came about since, and how much of it was told.
    changes: Arc<[PresenceChange]>,
    told: usize,
}

impl Subscription {
    pub(super) fn new(workspace: WorkspaceId, wanted: Subscribe, watch: Option<Watch>) -> Self {
        let watching = |watch| Watching { watch, is_told: false, changes: Arc::default(), told: 0 };
        Self {
            id: wanted.id,
            workspace,
            filter: EventFilter { workspace: Some(workspace), types: wanted.types, subject: wanted.subject },
            from: wanted.from,
            overflow: wanted.overflow,
            position: None,
            stage: Stage::Beginning,
            listening: None,
            is_told: false,
            owed: None,
            was_live: false,
            most_unacknowledged: wanted.most_unacknowledged.map(|most| most.max(1) as usize),
            unacknowledged: VecDeque::new(),
            watching: watch.map(watching),
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
        matches!(listening.channel.after(position), After::Fallen(_))
    }

    /// Whether falling behind is the client's doing. One that sets its own pace goes on from the log.
    fn may_overflow(&self) -> bool {
        self.was_live && self.most_unacknowledged.is_none()
    }

    /// The next push.
    pub(super) fn poll(
        &mut self,
        hub: &Arc<Hub>,
        bell: &Arc<Bell>,
        now: Timestamp,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Push, TooSlow>> {
        if let Some(push) = self.owed.take() {
            return Poll::Ready(Ok(push));
        }
        if self.is_told
            && let Some(push) = self.presence(cx)
        {
            return Poll::Ready(Ok(push));
        }
        let mut looked = 0;
        loop {
            match &mut self.stage {
                Stage::Beginning => {
                    let topic =
                        Topic { workspace: self.workspace, subject: self.filter.subject.as_deref().map(Into::into) };
                    // Listens first and asks the log then, so that there is no seam between the two.
                    let Some(listening) = hub.listen(topic, bell.clone()) else { return Poll::Pending };
                    self.listening = Some(listening);
                    self.stage = match self.from {
                        From::After(position) => {
                            self.position = Some(position);
                            Stage::Live
                        }
                        from => find(hub, from),
                    };
                }
                Stage::Finding(asking) => match std::task::ready!(asking.as_mut().poll(cx)) {
                    Ok(position) => {
                        self.position = Some(position);
                        self.stage = Stage::Live;
                        return Poll::Ready(Ok(self.subscribed(hub, false)));
                    }
                    Err(error) => self.wait(now, &error),
                },
                Stage::Reading(asking) => match std::task::ready!(asking.as_mut().poll(cx)) {
                    Ok(Read::Events { events, next, more }) => {
                        let frames = events.iter().filter_map(|logged| hub.frame(logged, now)).collect();
                        self.stage = Stage::Page(frames, next, more);
                        if !self.is_told {
                            return Poll::Ready(Ok(self.subscribed(hub, true)));
                        }
                    }
                    Ok(Read::Reset(bounds)) => {
                        metrics::counter!("waypost_live_resets_total").increment(1);
                        self.position = Some(bounds.start);
                        self.unacknowledged.clear();
                        self.was_live = false;
                        self.stage = Stage::Live;
                        let reset = Push::Reset { id: self.id.clone(), cursor: self.cursor(hub) };
                        if self.is_told {
                            return Poll::Ready(Ok(reset));
                        }
                        self.owed = Some(reset);
                        return Poll::Ready(Ok(self.subscribed(hub, false)));
                    }
                    Err(error) => self.wait(now, &error),
                },
                Stage::Page(frames, next, more) => {
                    if self.most_unacknowledged.is_some_and(|most| self.unacknowledged.len() >= most) {
                        return Poll::Pending;
                    }
                    match frames.pop_front() {
                        Some(frame) => return Poll::Ready(Ok(self.event(frame))),
                        None => {
                            let (next, more) = (*next, *more);
                            self.position = Some(next);
                            self.stage = if more { read(hub, next, &self.filter) } else { Stage::Live };
                        }
                    }
                }
                Stage::Waiting(until) => {
                    if *until > now {
                        return Poll::Pending;
                    }
                    self.stage = match self.position {
                        Some(position) => read(hub, position, &self.filter),
                        None => find(hub, self.from),
                    };
                }
                Stage::Live => {
                    let (Some(listening), Some(position)) = (&self.listening, self.position) else {
                        self.stage = Stage::Beginning;
                        continue;
                    };
                    if self.most_unacknowledged.is_some_and(|most| self.unacknowledged.len() >= most) {
                        return Poll::Pending;
                    }
                    match listening.channel.after(position) {
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
                        After::Fallen(_) | After::Unknown => self.stage = read(hub, position, &self.filter),
                    }
                }
            }
        }
    }

    /// What is to be told of who is there.
    fn presence(&mut self, cx: &mut Context<'_>) -> Option<Push> {
        let (id, watching) = (self.id.clone(), self.watching.as_mut()?);
        loop {
            if let Some(change) = watching.changes.get(watching.told) {
                watching.told += 1;
                return Some(match *change {
                    PresenceChange::Joined(presence) => Push::Joined { id, presence },
                    PresenceChange::Left(presence) => Push::Left { id, presence },
                });
            }
            if watching.watch.poll_changed(cx).is_pending() {
                return None;
            }
            let changes = watching.watch.take_changes();
            if !watching.is_told {
                watching.is_told = true;
                return Some(Push::Present { id, members: watching.watch.seen() });
            }
            (watching.changes, watching.told) = (changes, 0);
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

fn find(hub: &Arc<Hub>, from: From) -> Stage {
    let bus = hub.bus.clone();
    Stage::Finding(Box::pin(async move {
        let bounds = bus.bounds().await?;
        Ok(if from == From::Start { bounds.start } else { bounds.end })
    }))
}

fn read(hub: &Arc<Hub>, after: Position, filter: &EventFilter) -> Stage {
    let (bus, filter) = (hub.bus.clone(), filter.clone());
    Stage::Reading(Box::pin(async move { bus.read(after, &filter, PAGE).await }))
}
