//! The rounds of the dispatcher.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::calls::Calls;
use super::lane::{Consequence, FIRST_WINDOW, Lane, Ready, Verdict};
use super::options::DispatcherOptions;
use crate::clock::Clock;
use crate::engine::{Engine, Next};
use crate::entropy::Entropy;
use crate::error::Result;
use crate::ids::WebhookId;
use crate::webhooks::message::Messages;
use crate::webhooks::schedule::retry_after;
use crate::webhooks::{Claimed, DeliveryQueue, EndpointState, Held, Hold, Notices, Room, Settlement, WebhookTransport};

/// How many queues that are held are looked at in one round, those first that were looked at longest ago.
const LOOKS: usize = 64;
/// How many queues are taken in one round.
const TAKEN: usize = 64;
/// How many deliveries of each queue are read when it is taken.
const EACH: usize = 32;
/// What is wanted of a queue whose lease is to be renewed, and nothing else.
const RENEWAL: usize = 0;
/// Of the calls that a node may have under way, this share is for queues that have none.
const RESERVED: usize = 8;

/// Sends what is owed. At least once: a node that dies between a call and its record leaves the delivery owed, and it is
/// sent again under the same `webhook-id`.
#[derive(Debug)]
pub struct Dispatcher {
    queue: Arc<dyn DeliveryQueue>,
    notices: Notices,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    options: DispatcherOptions,
    lanes: HashMap<WebhookId, Lane>,
    calls: Calls,
    /// What is to follow for endpoints, until it has been done.
    consequences: Vec<Consequence>,
    is_stopping: bool,
}

impl Dispatcher {
    /// From `queue`, by `transport`.
    pub fn new(
        queue: Arc<dyn DeliveryQueue>,
        transport: Arc<dyn WebhookTransport>,
        messages: Arc<Messages>,
        notices: Notices,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: DispatcherOptions,
    ) -> Self {
        let calls = Calls::new(transport, messages, clock.clone());
        let (lanes, consequences) = (HashMap::new(), Vec::new());
        Self { queue, notices, clock, entropy, options, lanes, calls, consequences, is_stopping: false }
    }

    /// Takes down the calls that have ended.
    fn note(&mut self, now: Timestamp) {
        for ended in self.calls.ended() {
            let id = ended.due.delivery.endpoint;
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            let again = |failures| retry_after(&self.options.retries, failures, &*self.entropy);
            match ended.outcome {
                Ok(made) => self.consequences.extend(lane.ended(&ended.due, made, now, again)),
                Err(error) => {
                    tracing::error!(endpoint = %id, at = %ended.at, error = ?error, "a delivery could not be written");
                    lane.not_made(&ended.due, now);
                }
            }
        }
    }

    /// Tells owners what follows, and disables endpoints that are to be; once it is on record, and of none whose queue was
    /// lost, since another knows better.
    async fn follow_up(&mut self, now: Timestamp) -> Result<()> {
        while let Some(Consequence { endpoint, since, at, verdict }) = self.consequences.last().cloned() {
            if self.lanes.get(&endpoint.id).is_none_or(|lane| !lane.is_lost()) {
                match verdict {
                    Verdict::Warn => self.notices.failing(&endpoint, since, now).await?,
                    Verdict::Disable(state) => {
                        let current = self.notices.disable(&endpoint, state, (since, at), now).await?;
                        if let (Some(current), Some(lane)) = (current, self.lanes.get_mut(&endpoint.id)) {
                            lane.changed(current);
                        }
                    }
                }
            }
            self.consequences.pop();
        }
        Ok(())
    }

    /// Writes down what has ended, and meanwhile reads on.
    async fn exchange(&mut self, now: Timestamp) -> Result<usize> {
        let idle_since = if self.is_stopping { None } else { Some(now - self.options.linger) };
        let settlements: Vec<Settlement> =
            self.lanes.values_mut().filter_map(|lane| lane.settlement(now, idle_since)).collect();
        let released = |id: WebhookId| settlements.iter().any(|one| one.endpoint == id && one.hold == Hold::Release);
        let held = self.looks(released, now);
        let room = self.room();
        let (queue, lease) = (&self.queue, self.options.lease);
        let settle = async { if settlements.is_empty() { Ok(Vec::new()) } else { queue.settle(&settlements).await } };
        let refill = async { if held.is_empty() { Ok(Vec::new()) } else { queue.refill(&held, now, lease).await } };
        let claim = async { if room.queues == 0 { Ok(Vec::new()) } else { queue.claim(room, now, lease).await } };
        let (kept, refilled, claimed) = tokio::join!(settle, refill, claim);
        // What was read may be from before it was settled: it is known to be under way until that has been looked at.
        let refilled = refilled.map(|refilled| self.refilled(&held, refilled, now));
        let taken = claimed.map(|claimed| self.claimed(claimed, now));
        let settled = kept.map(|kept| self.settled(&settlements, &kept));
        self.lanes.retain(|_, lane| !lane.is_over());
        settled.and(refilled).and(taken)
    }

    /// Which queues that are held are looked at: some to read on, those first that were looked at longest ago, and every one
    /// whose lease is to be renewed.
    fn looks(&self, is_released: impl Fn(WebhookId) -> bool, now: Timestamp) -> Vec<Held> {
        let is_held = |lane: &&Lane| !lane.is_lost() && !is_released(lane.id());
        let mut lanes: Vec<&Lane> = self.lanes.values().filter(is_held).collect();
        lanes.sort_by_key(|lane| lane.looked_at);
        let mut reads = 0;
        let look = |lane: &Lane| {
            let wants = lane.wants(self.options.ahead).filter(|_| !self.is_stopping && reads < LOOKS);
            reads += usize::from(wants.is_some());
            let is_old = lane.looked_at + self.options.lease / 5 <= now;
            wants.or_else(|| is_old.then(|| lane.held(RENEWAL)))
        };
        lanes.into_iter().filter_map(look).collect()
    }

    fn room(&mut self) -> Room {
        let is_full = self.is_stopping || self.calls.under_way() >= self.options.calls;
        let queues = if is_full { 0 } else { self.options.queues.saturating_sub(self.lanes.len()).min(TAKEN) };
        Room { queues, each: EACH }
    }

    fn settled(&mut self, settlements: &[Settlement], kept: &[WebhookId]) {
        for settlement in settlements {
            let Some(lane) = self.lanes.get_mut(&settlement.endpoint) else { continue };
            lane.was_settled(settlement);
            // Given back, and taken again at the same time.
            if lane.held(0).token != settlement.token {
                continue;
            }
            match (kept.contains(&settlement.endpoint), settlement.hold) {
                (true, Hold::Keep) => {}
                (true, Hold::Release) => drop(self.lanes.remove(&settlement.endpoint)),
                (false, _) => lane.lost(),
            }
        }
    }

    fn refilled(&mut self, held: &[Held], refilled: Vec<Claimed>, now: Timestamp) {
        let mut found: HashMap<_, _> = refilled.into_iter().map(|claimed| (claimed.endpoint.id, claimed)).collect();
        for held in held {
            let Some(lane) = self.lanes.get_mut(&held.endpoint) else { continue };
            match found.remove(&held.endpoint) {
                Some(claimed) if held.want == RENEWAL => lane.renewed(claimed, now),
                Some(claimed) => lane.found(claimed, held.want, now),
                None => lane.lost(),
            }
        }
    }

    /// Takes over the queues that were claimed; says how many.
    fn claimed(&mut self, claimed: Vec<Claimed>, now: Timestamp) -> usize {
        let count = claimed.len();
        for claimed in claimed {
            let id = claimed.endpoint.id;
            match self.lanes.get_mut(&id) {
                // It was lost, and has come back with calls of before still under way.
                Some(lane) => lane.found(claimed, EACH, now),
                None => drop(self.lanes.insert(id, Lane::new(claimed, now))),
            }
        }
        count
    }

    /// Gives up what is owed to endpoints that get nothing any more; says whether something was.
    fn give_up(&mut self) -> bool {
        let mut is_any = false;
        for lane in self.lanes.values_mut().filter(|lane| lane.endpoint().state != EndpointState::Enabled) {
            is_any |= lane.give_up();
        }
        is_any
    }

    /// Begins calls, one of each queue in turn, those first that have the fewest. However many calls come back late, a queue
    /// gets no more than are left, and one that has none under way gets its first. Says when one may be begun that may not
    /// be now.
    fn send(&mut self, now: Timestamp) -> Option<Timestamp> {
        let mut later: Option<Timestamp> = None;
        let most = if self.is_stopping { 0 } else { self.options.calls };
        let mut free = most.saturating_sub(self.calls.under_way());
        let mut lanes: Vec<&mut Lane> = self.lanes.values_mut().collect();
        while free > 0 && !lanes.is_empty() {
            lanes.sort_by_key(|lane| lane.calls());
            lanes.retain_mut(|lane| {
                let is_served = lane.calls() > 0;
                let is_greedy = lane.calls() >= free.max(usize::from(FIRST_WINDOW));
                if free == 0 || is_greedy || (is_served && free <= most / RESERVED) {
                    return false;
                }
                match lane.next(now) {
                    Ready::Send(due) => {
                        self.calls.begin(lane.endpoint(), *due);
                        free -= 1;
                        return true;
                    }
                    Ready::Later(at) => later = Some(later.map_or(at, |known| known.min(at))),
                    Ready::Nothing => {}
                }
                false
            });
        }
        later
    }
}

#[async_trait]
impl Engine for Dispatcher {
    fn name(&self) -> &'static str {
        "webhook_dispatcher"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        self.note(now);
        let taken = self.exchange(now).await?;
        self.follow_up(now).await?;
        let gave_up = self.give_up();
        let later = self.send(now);
        metrics::gauge!("waypost_webhook_calls").set(self.calls.under_way() as f64);
        let poll = now + self.options.poll;
        Ok(if taken == TAKEN || gave_up { Next::Now } else { Next::At(later.map_or(poll, |later| later.min(poll))) })
    }

    async fn woken(&self) {
        tokio::select! {
            () = self.queue.wait() => {}
            () = self.calls.wait() => {}
        }
    }

    /// Begins no more calls, and waits for those under way: each is over within the time that a call has.
    async fn finish(&mut self) -> Result<()> {
        self.is_stopping = true;
        loop {
            let now = self.clock.now();
            self.note(now);
            self.exchange(now).await?;
            self.follow_up(now).await?;
            if self.calls.under_way() == 0 && self.lanes.is_empty() {
                return Ok(());
            }
            if self.calls.under_way() > 0 {
                tokio::select! {
                    () = self.calls.wait() => {}
                    () = self.clock.sleep_until(now + self.options.lease / 3) => {}
                }
            }
        }
    }
}
