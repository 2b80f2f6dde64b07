//! One endpoint's queue, while this node holds it.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::calls::Made;
use crate::ids::{DeliveryId, WebhookId};
use crate::webhooks::standing::Notice;
use crate::webhooks::{
    Claimed, DeliveryRuling, Due, Endpoint, EndpointState, FailureClass, Held, Hold, Load, Settled, Settlement,
    Standing,
};

/// How many calls a queue begins with that was just taken. One that hangs holds no more than these until it is known.
pub(super) const FIRST_WINDOW: u16 = 8;
/// How long a queue is left alone whose calls cannot be written.
const UNWRITTEN: Duration = Duration::from_secs(30);
/// What is said of deliveries that are given up because their endpoint is.
const DISABLED: &str = "the endpoint is disabled";

/// A queue that this node holds, or held until a moment ago.
#[derive(Debug)]
pub(super) struct Lane {
    endpoint: Endpoint,
    /// Proves that it is held; of the past once it is lost.
    token: u64,
    is_lost: bool,
    standing: Standing,
    /// What is due and not yet sent.
    waiting: VecDeque<Due>,
    /// What was sent and is not yet settled.
    under_way: HashSet<DeliveryId>,
    /// How many of these are calls that have not ended.
    calls: u16,
    /// How many calls there may be: grows with each that succeeds, falls by a quarter with each that finds the receiver
    /// overloaded, and by half with each that comes to nothing in time.
    window: u16,
    settled: Vec<Settled>,
    /// Whether the last look found as much as was wanted, so that there may be more.
    has_more: bool,
    /// Since when it has had nothing to do.
    idle_since: Option<Timestamp>,
    /// When it was last looked at.
    pub(super) looked_at: Timestamp,
}

/// What a look at a lane came to.
pub(super) enum Ready {
    /// This one may be sent.
    Send(Box<Due>),
    /// Nothing before this moment.
    Later(Timestamp),
    /// Nothing for now.
    Nothing,
}

/// What follows from a call for the endpoint that it was made to.
#[derive(Clone, Debug)]
pub(super) struct Consequence {
    pub(super) endpoint: Endpoint,
    /// Since when it has failed.
    pub(super) since: Timestamp,
    /// When the call was made.
    pub(super) at: Timestamp,
    pub(super) verdict: Verdict,
}

/// What the owner of the endpoint is to be told, or what is to become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Warn,
    Disable(EndpointState),
}

impl Lane {
    pub(super) fn new(claimed: Claimed, now: Timestamp) -> Self {
        let window = FIRST_WINDOW.min(claimed.endpoint.concurrency.get());
        let mut standing = claimed.standing;
        standing.since_change(claimed.endpoint.updated_at);
        Self {
            endpoint: claimed.endpoint,
            token: claimed.token,
            is_lost: false,
            standing,
            waiting: claimed.due.into(),
            under_way: HashSet::new(),
            calls: 0,
            window,
            settled: Vec::new(),
            has_more: true,
            idle_since: None,
            looked_at: now,
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Takes what a claim or a refill found. What is under way is among it, and is not sent again.
    pub(super) fn found(&mut self, claimed: Claimed, want: usize, now: Timestamp) {
        let is_new = self.token != claimed.token;
        self.has_more = claimed.due.len() >= want;
        self.waiting = claimed.due.into_iter().filter(|due| !self.under_way.contains(&due.delivery.id())).collect();
        self.endpoint = claimed.endpoint;
        self.looked_at = now;
        if is_new {
            // Another may have had it meanwhile, and knows better how it stands.
            (self.token, self.is_lost, self.standing) = (claimed.token, false, claimed.standing);
        }
        self.standing.since_change(self.endpoint.updated_at);
    }

    /// The lease went to another: nothing more is sent, and what is under way is only noted.
    pub(super) fn lost(&mut self) {
        self.is_lost = true;
        self.waiting.clear();
    }

    /// What may be sent now; it is under way from then on.
    pub(super) fn next(&mut self, now: Timestamp) -> Ready {
        if self.is_lost || self.calls >= self.standing.allowed(self.window.min(self.endpoint.concurrency.get())) {
            return Ready::Nothing;
        }
        let Some(due) = self.waiting.front() else { return Ready::Nothing };
        if let Some(until) = self.standing.pause(now) {
            return Ready::Later(until);
        }
        let id = due.delivery.id();
        if let Some(rate) = self.endpoint.rate_limit
            && let Err(next) = self.standing.take(rate, now)
        {
            return Ready::Later(next);
        }
        let Some(due) = self.waiting.pop_front() else { return Ready::Nothing };
        self.under_way.insert(id);
        self.calls += 1;
        self.idle_since = None;
        Ready::Send(Box::new(due))
    }

    /// Gives up what waits for an endpoint that gets nothing any more; says whether something did.
    pub(super) fn give_up(&mut self) -> bool {
        let is_any = !self.waiting.is_empty();
        for due in std::mem::take(&mut self.waiting) {
            let (id, created_at) = (due.delivery.id(), due.delivery.event.created_at);
            self.under_way.insert(id);
            let ruling = DeliveryRuling::Fail(DISABLED.to_owned());
            self.settled.push(Settled { id, created_at, attempt: None, ruling });
        }
        is_any
    }

    /// Notes how a call ended; `again` says how long after so many failures to wait, if at all. Says what follows for the
    /// endpoint.
    pub(super) fn ended(
        &mut self,
        due: &Due,
        made: Made,
        now: Timestamp,
        again: impl FnOnce(u32) -> Option<Duration>,
    ) -> Option<Consequence> {
        let Made { attempt, load, asked } = made;
        self.calls -= 1;
        // What was there before its owner changed the endpoint says nothing of what is there now.
        let is_gone = attempt.result.status == Some(410) && self.endpoint.updated_at <= attempt.at;
        let at = attempt.at;
        let ruling = if attempt.result.is_success() {
            self.standing.succeeded(at);
            self.window = (self.window + 1).min(self.endpoint.concurrency.get());
            DeliveryRuling::Delivered
        } else {
            self.standing.failed(attempt.at, now, load);
            let is_late = attempt.result.failure.as_ref().is_some_and(|fault| fault.class == FailureClass::Timeout);
            let less = match load {
                _ if is_late => self.window / 2,
                Load::Over(_) => self.window / 4,
                Load::Fine => 0,
            };
            self.window = (self.window - less).max(1);
            match again(due.attempts + 1) {
                _ if is_gone => DeliveryRuling::Fail("the receiver answered 410 Gone".to_owned()),
                Some(wait) => DeliveryRuling::Retry(now + wait.max(asked.unwrap_or_default())),
                None => DeliveryRuling::Fail(format!("{} calls failed", due.attempts + 1)),
            }
        };
        let (id, created_at) = (due.delivery.id(), due.delivery.event.created_at);
        self.settled.push(Settled { id, created_at, attempt: Some(attempt), ruling });
        let verdict = match self.standing.verdict(now) {
            _ if is_gone => Verdict::Disable(EndpointState::Gone),
            Some(Notice::Disable) => Verdict::Disable(EndpointState::Failing),
            Some(Notice::Warn(warnings)) => {
                self.standing.warnings = warnings;
                Verdict::Warn
            }
            None => return None,
        };
        let since = self.standing.failing_since.unwrap_or(at);
        Some(Consequence { endpoint: self.endpoint.clone(), since, at, verdict })
    }

    /// Notes that a call could not even be written, say since a key is missing here: it was never made. The queue is left
    /// alone for a while, so that another node may have it.
    pub(super) fn not_made(&mut self, due: &Due, now: Timestamp) {
        self.calls -= 1;
        let later = now + UNWRITTEN;
        self.standing.paused_until = self.standing.paused_until.max(Some(later));
        let (id, created_at) = (due.delivery.id(), due.delivery.event.created_at);
        self.settled.push(Settled { id, created_at, attempt: None, ruling: DeliveryRuling::Retry(later) });
    }

    /// Takes note of a lease that was renewed, and of the endpoint as it is now.
    pub(super) fn renewed(&mut self, claimed: Claimed, now: Timestamp) {
        self.looked_at = now;
        self.changed(claimed.endpoint);
    }

    /// The endpoint as it was changed.
    pub(super) fn changed(&mut self, endpoint: Endpoint) {
        self.endpoint = endpoint;
        self.standing.since_change(self.endpoint.updated_at);
    }

    /// How many of its calls have not ended.
    pub(super) fn calls(&self) -> usize {
        usize::from(self.calls)
    }

    /// What is to be written down now, if anything. It is given back once it has been idle since `idle_since`, while it is
    /// paused, and, without such a moment, as soon as no call is under way.
    pub(super) fn settlement(&mut self, now: Timestamp, idle_since: Option<Timestamp>) -> Option<Settlement> {
        let is_done = self.waiting.is_empty() && !self.has_more && self.settled.is_empty();
        let is_idle = is_done && self.calls == 0;
        let since = if is_idle { Some(*self.idle_since.get_or_insert(now)) } else { None };
        let is_over = match idle_since {
            Some(moment) => since.is_some_and(|since| since <= moment) || self.standing.pause(now).is_some(),
            None => true,
        };
        let hold = if is_over && self.calls == 0 && !self.is_lost { Hold::Release } else { Hold::Keep };
        if self.settled.is_empty() && hold == Hold::Keep {
            return None;
        }
        Some(Settlement {
            endpoint: self.endpoint.id,
            workspace: self.endpoint.workspace,
            token: self.token,
            settled: self.settled.clone(),
            standing: self.standing,
            hold,
        })
    }

    /// Notes that a settlement was made.
    pub(super) fn was_settled(&mut self, settlement: &Settlement) {
        for settled in &settlement.settled {
            self.under_way.remove(&settled.id);
        }
        self.settled.drain(..settlement.settled.len());
    }

    /// How much is to be read, if it is time to: when half of what was read ahead is gone.
    pub(super) fn wants(&self, ahead: usize) -> Option<Held> {
        let is_paused = self.is_lost || self.waiting.len() * 2 > ahead;
        (!is_paused).then(|| self.held(self.under_way.len() + ahead))
    }

    /// The proof that it is held.
    pub(super) fn held(&self, want: usize) -> Held {
        Held { endpoint: self.endpoint.id, token: self.token, want }
    }

    pub(super) fn id(&self) -> WebhookId {
        self.endpoint.id
    }

    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Whether nothing of it is left here.
    pub(super) fn is_over(&self) -> bool {
        self.is_lost && self.under_way.is_empty() && self.settled.is_empty()
    }
}
