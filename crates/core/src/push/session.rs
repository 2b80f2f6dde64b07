//! The session: one client, what it hears, and when it must go.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::Timestamp;

use super::alarm::Alarm;
use super::channel::Bell;
use super::due::{AHEAD, ANSWER, ASK, COMMENT, Due, LAST_WORD, PING, SOON};
use super::hub::Opening;
use super::presence::{self, Presence};
use super::seats::Seat;
use super::subscription::{Subscription, TooSlow};
use super::{Closing, Hub, Push, Reason, Subscribe, Transport};
use crate::credentials::{Principal, Scope};
use crate::error::{Error, Issue, Kind, Result};
use crate::events::Position;
use crate::identity::{Proof, Recognised};
use crate::ids::SessionId;

/// One client that listens.
///
/// It lives in the task of its connection, and is polled there. Nothing queues up in it: each of its subscriptions has a
/// place in the log, and takes what comes next when the client has room for it.
pub struct Session {
    hub: Arc<Hub>,
    bell: Arc<Bell>,
    seat: Option<Seat>,
    transport: Transport,
    /// Drawn once somebody is told of it.
    id: Option<SessionId>,
    who: Principal,
    proof: Option<Arc<dyn Proof>>,
    asking: Option<Pin<Box<dyn Future<Output = Result<Recognised>> + Send>>>,
    subscriptions: Vec<Subscription>,
    /// Whose turn it is.
    turn: usize,
    due: Due,
    alarm: Alarm,
    is_leaving: bool,
    /// Since when the client takes nothing.
    full_since: Option<Timestamp>,
    closing: Option<Closing>,
    is_over: bool,
}

impl Session {
    pub(super) fn new(hub: Arc<Hub>, seat: Seat, bell: Arc<Bell>, opening: Opening) -> Self {
        let Opening { who, until, proof, transport, .. } = opening;
        metrics::gauge!("waypost_live_sessions", "transport" => transport.as_str()).increment(1);
        let now = hub.clock.now();
        // A stream has its time, and so has what cannot be asked again whether it still holds.
        let is_bounded = transport == Transport::Sse || (transport == Transport::WebSocket && proof.is_none());
        let end = is_bounded.then(|| {
            let life = hub.options.life + hub.by_chance(hub.options.life_spread);
            (now + life, Closing { reason: Reason::Lifetime, reconnect_after: hub.by_chance(SOON) })
        });
        let ask = proof.is_some().then_some(now + ASK);
        let heartbeat = now + if transport == Transport::WebSocket { PING } else { COMMENT };
        let mut session = Self {
            hub,
            bell,
            seat: Some(seat),
            transport,
            id: None,
            who,
            proof,
            asking: None,
            subscriptions: Vec::new(),
            turn: 0,
            due: Due { heartbeat, answer: None, ask, end },
            alarm: Alarm::default(),
            is_leaving: false,
            full_since: None,
            closing: None,
            is_over: false,
        };
        session.holds_until(until);
        session
    }

    /// Ends it at `at` at the latest: the end of a held poll.
    #[must_use]
    pub fn ending_at(mut self, at: Timestamp) -> Self {
        self.end_by(at, Closing { reason: Reason::Lifetime, reconnect_after: Duration::ZERO });
        self
    }

    /// Who listens.
    pub fn who(&self) -> &Principal {
        &self.who
    }

    /// The moment, by the clock that the session lives by.
    pub fn now(&self) -> Timestamp {
        self.hub.clock.now()
    }

    /// The place that a cursor names.
    ///
    /// # Errors
    /// [`InvalidCursor`](Kind::InvalidCursor) for one that is forged, or of another workspace.
    pub fn position(&self, cursor: &str) -> Result<Position> {
        self.hub.position(self.who.workspace, cursor)
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// [`Conflict`](Kind::Conflict) for a subscription of the same name; [`Invalid`](Kind::Invalid) for one too many.
    pub fn subscribe(&mut self, wanted: Subscribe) -> Result<()> {
        if self.subscriptions.iter().any(|known| *known.id() == wanted.id) {
            let message = "There is a subscription of this id; unsubscribe it first, or choose another id";
            return Err(Error::new(Kind::Conflict, message).with_issues(vec![Issue::new("id", "is taken")]));
        }
        let most = self.hub.options.most_subscriptions;
        if self.subscriptions.len() >= most {
            let issue = Issue::new("id", format!("is one too many: a session has at most {most} subscriptions"));
            return Err(Error::invalid(vec![issue]));
        }
        let watch = match (wanted.presence, &wanted.subject) {
            (false, _) => None,
            (true, None) => {
                let issue = Issue::new("presence", "needs a subject: who watches one thing can be told");
                return Err(Error::invalid(vec![issue]));
            }
            (true, Some(subject)) => {
                let now = self.hub.clock.now();
                let session = *self.id.get_or_insert_with(|| SessionId::fresh(now, &*self.hub.entropy));
                let presence = Presence { session, actor: self.who.actor, since: now };
                Some(self.hub.presences.watch(presence::Place::new(self.who.workspace, subject)?, presence)?)
            }
        };
        self.subscriptions.push(Subscription::new(self.who.workspace, wanted, watch));
        Ok(())
    }

    /// Listens no more; says whether it did.
    pub fn unsubscribe(&mut self, id: &str) -> bool {
        let before = self.subscriptions.len();
        self.subscriptions.retain(|subscription| &**subscription.id() != id);
        before > self.subscriptions.len()
    }

    /// The client has all events of a subscription up to a place; says whether there is such a subscription.
    pub fn acknowledge(&mut self, id: &str, position: Position) -> bool {
        let found = self.subscriptions.iter_mut().find(|subscription| &**subscription.id() == id);
        found.map(|subscription| subscription.acknowledge(position)).is_some()
    }

    /// The client was heard of: a ping need not be answered any more.
    pub fn heard(&mut self) {
        self.due.answer = None;
    }

    /// Ends it for `reason`, with that as the last word.
    pub fn close(&mut self, reason: Reason) {
        let reconnect_after = self.hub.by_chance(SOON);
        self.closing.get_or_insert(Closing { reason, reconnect_after });
    }

    /// Whether there is more at once for a client that has room for it.
    pub fn is_catching_up(&self) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.is_reading() || subscription.is_queued())
    }

    /// What is told next. After [`Push::Closing`] comes nothing more.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Push> {
        if self.is_over {
            return Poll::Pending;
        }
        self.full_since = None;
        self.bell.answer(cx.waker());
        let mut now = self.hub.clock.now();
        loop {
            if let Some(closing) = self.overdue(now, cx) {
                return Poll::Ready(self.over(closing));
            }
            // A ping goes out however much there is to tell.
            if self.transport == Transport::WebSocket && self.due.heartbeat <= now {
                return Poll::Ready(self.heartbeat(now));
            }
            if let Some(push) = self.poll_subscriptions(now, cx) {
                return Poll::Ready(push);
            }
            if self.due.heartbeat <= now {
                return Poll::Ready(self.heartbeat(now));
            }
            let waiting = self.subscriptions.iter().filter_map(Subscription::due).min();
            std::task::ready!(self.poll_alarm(waiting, cx));
            now = self.hub.clock.now();
        }
    }

    /// The next push of the subscriptions, which take turns.
    fn poll_subscriptions(&mut self, now: Timestamp, cx: &mut Context<'_>) -> Option<Push> {
        loop {
            for _ in 0..self.subscriptions.len() {
                self.turn = (self.turn + 1) % self.subscriptions.len();
                let others_read = |(number, other): (usize, &Subscription)| number != self.turn && other.is_reading();
                let may_read = !self.subscriptions.iter().enumerate().any(others_read);
                let subscription = &mut self.subscriptions[self.turn];
                match subscription.poll(&self.hub, &self.bell, now, may_read, cx) {
                    Poll::Ready(Ok(push)) => {
                        if let Push::Event { frame, .. } = &push
                            && subscription.is_live()
                        {
                            self.hub.count_frame(self.transport, frame, now);
                        }
                        return Some(push);
                    }
                    Poll::Ready(Err(TooSlow)) => {
                        let reconnect_after = self.hub.by_chance(SOON);
                        return Some(self.over(Closing { reason: Reason::TooSlow, reconnect_after }));
                    }
                    Poll::Pending => {}
                }
            }
            // One that has done with the log makes room for one that was asked before it.
            let is_free = !self.subscriptions.iter().any(Subscription::is_reading);
            if !(is_free && self.subscriptions.iter().any(Subscription::is_queued)) {
                return None;
            }
        }
    }

    fn heartbeat(&mut self, now: Timestamp) -> Push {
        self.due.heartbeat = now + COMMENT;
        if self.transport == Transport::WebSocket {
            self.due.heartbeat = now + PING;
            self.due.answer.get_or_insert(now + ANSWER);
        }
        Push::Heartbeat
    }

    /// The last word, for a client that takes nothing at the moment. Pending while there is no reason for one.
    pub fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<Push> {
        if self.is_over {
            return Poll::Pending;
        }
        self.bell.answer(cx.waker());
        loop {
            let now = self.hub.clock.now();
            let patience = *self.full_since.get_or_insert(now) + self.hub.options.behind_time;
            // It is not to be sent what it does not take.
            self.due.heartbeat = self.due.heartbeat.max(now + COMMENT);
            if let Some(closing) = self.overdue(now, cx) {
                return Poll::Ready(self.over(closing));
            }
            if patience <= now || self.subscriptions.iter().any(Subscription::is_too_slow) {
                let closing = Closing { reason: Reason::TooSlow, reconnect_after: self.hub.by_chance(SOON) };
                return Poll::Ready(self.over(closing));
            }
            std::task::ready!(self.poll_alarm(Some(patience), cx));
        }
    }

    /// Whether a client that was told the last word, and did not take it, is to be waited for no more.
    pub fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = match &self.due.end {
            Some((until, _)) if self.is_over => *until,
            _ => return Poll::Pending,
        };
        loop {
            if self.hub.clock.now() >= until {
                return Poll::Ready(());
            }
            std::task::ready!(self.poll_alarm(None, cx));
        }
    }

    /// Why the session ends now, if it does.
    fn overdue(&mut self, now: Timestamp, cx: &mut Context<'_>) -> Option<Closing> {
        if let Some(closing) = self.closing {
            return Some(closing);
        }
        if !self.is_leaving
            && let Some((at, reconnect_after)) = self.hub.leaving()
        {
            self.is_leaving = true;
            // What would have ended before its turn does so, and comes back as late as all.
            let at = self.due.end.map_or(at, |(end, _)| end.min(at));
            self.due.end = Some((at, Closing { reason: Reason::Drain, reconnect_after }));
        }
        if let Some((at, closing)) = self.due.end
            && at <= now
        {
            return Some(closing);
        }
        if self.due.answer.is_some_and(|by| by <= now) {
            return Some(Closing { reason: Reason::Silent, reconnect_after: Duration::ZERO });
        }
        if self.due.ask.is_some_and(|at| at <= now) {
            self.due.ask = None;
            let proof = self.proof.clone();
            self.asking = proof
                .map(|proof| -> Pin<Box<dyn Future<Output = _> + Send>> { Box::pin(async move { proof.ask().await }) });
        }
        if let Some(asking) = &mut self.asking
            && let Poll::Ready(answer) = asking.as_mut().poll(cx)
        {
            self.asking = None;
            self.due.ask = Some(now + ASK);
            if !self.still_holds(answer) {
                return Some(Closing { reason: Reason::TokenEnded, reconnect_after: Duration::ZERO });
            }
        }
        None
    }

    /// Takes in what was found about who listens; says whether they still may.
    fn still_holds(&mut self, answer: Result<Recognised>) -> bool {
        match answer {
            Ok(found) if found.principal.workspace == self.who.workspace => {
                self.who.scopes = found.principal.scopes;
                self.holds_until(found.until);
                self.who.require(Scope::EventsRead).is_ok()
            }
            Ok(_) => false,
            Err(error) => {
                let is_over = matches!(error.kind(), Kind::Unauthenticated | Kind::Expired | Kind::Forbidden);
                if !is_over {
                    tracing::debug!(error = ?error, "whether a live session may go on could not be asked");
                }
                !is_over
            }
        }
    }

    /// Ends before `until`, when what it was opened with does.
    fn holds_until(&mut self, until: Option<Timestamp>) {
        let Some(until) = until else { return };
        let now = self.hub.clock.now();
        // Of a token that is about to end, half of its time is used.
        let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        let at = until - AHEAD.min(left / 2);
        self.end_by(at, Closing { reason: Reason::TokenEnded, reconnect_after: Duration::ZERO });
    }

    fn end_by(&mut self, at: Timestamp, closing: Closing) {
        if self.due.end.is_none_or(|(end, _)| at < end) {
            self.due.end = Some((at, closing));
        }
    }

    fn over(&mut self, closing: Closing) -> Push {
        self.is_over = true;
        self.subscriptions = Vec::new();
        (self.asking, self.due.ask, self.due.answer) = (None, None, None);
        self.due.end = Some((self.hub.clock.now() + LAST_WORD, closing));
        self.hub.count_closing(self.transport, closing.reason);
        Push::Closing(closing)
    }

    /// Ready when something is due: one of the session's own moments, or `other`.
    fn poll_alarm(&mut self, other: Option<Timestamp>, cx: &mut Context<'_>) -> Poll<()> {
        let due = &self.due;
        let end = due.end.map(|(at, _)| at);
        let heartbeat = (!self.is_over).then_some(due.heartbeat);
        let Some(next) = [heartbeat, due.answer, due.ask, end, other].into_iter().flatten().min() else {
            return Poll::Pending;
        };
        self.alarm.poll(next, &*self.hub.clock, cx)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        metrics::gauge!("waypost_live_sessions", "transport" => self.transport.as_str()).decrement(1);
        self.subscriptions.clear();
        if let Some(seat) = self.seat.take() {
            self.hub.ended(seat);
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("who", &self.who)
            .field("transport", &self.transport)
            .field("subscriptions", &self.subscriptions)
            .finish_non_exhaustive()
    }
}
