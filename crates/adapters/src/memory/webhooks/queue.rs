//! What is owed to one endpoint, and what became of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use waypost_core::clicks::Interval;
use waypost_core::ids::{DeliveryId, WorkspaceId};
use waypost_core::webhooks::{Attempt, Delivery, DeliveryRuling, Due, Measures, Settled, Standing, Which};

use super::days::Days;
use super::turns::Place;

/// What belongs to one endpoint.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) workspace: WorkspaceId,
    pub(super) token: u64,
    /// Until when somebody has it; nothing once it was given back.
    pub(super) leased_until: Option<Timestamp>,
    pub(super) standing: Standing,
    /// Every delivery that is kept, by the id of its event.
    pub(super) deliveries: BTreeMap<DeliveryId, Kept>,
    /// What is due, and when: in this order, then in that of the log.
    due: BTreeMap<(Timestamp, u64, DeliveryId), ()>,
    /// What has an ordering key and is owed, in the order of the log.
    keyed: BTreeMap<(String, u64, DeliveryId), ()>,
    pub(super) hours: BTreeMap<Timestamp, Measures>,
    pub(super) place: Place,
}

/// A delivery and how it stands.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) delivery: Delivery,
    pub(super) state: State,
    /// Calls since it was last asked for.
    tried: u32,
    pub(super) attempts: Vec<Attempt>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Due at a moment.
    Due(Timestamp),
    /// Behind an earlier one of its key.
    Behind,
    Delivered,
    Failed(String),
}

impl Queue {
    pub(super) fn new(workspace: WorkspaceId) -> Self {
        Self {
            workspace,
            token: 0,
            leased_until: None,
            standing: Standing::default(),
            deliveries: BTreeMap::new(),
            due: BTreeMap::new(),
            keyed: BTreeMap::new(),
            hours: BTreeMap::new(),
            place: Place::default(),
        }
    }

    /// When the first is due.
    pub(super) fn first_at(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|((at, ..), ())| *at)
    }

    /// When there is something to do for it, if ever.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        self.first_at().map(|at| self.standing.paused_until.map_or(at, |until| until.max(at)))
    }

    pub(super) fn first_due(&self, now: Timestamp, most: usize) -> Vec<Due> {
        let due = self.due.keys().take_while(|(at, ..)| *at <= now).take(most);
        due.filter_map(|(_, _, id)| self.deliveries.get(id))
            .map(|kept| Due { delivery: kept.delivery.clone(), attempts: kept.tried })
            .collect()
    }

    /// Keeps a delivery and has it owed; says whether it is new.
    pub(super) fn make(&mut self, delivery: &Delivery, now: Timestamp, days: &mut Days) -> bool {
        let id = delivery.id();
        if self.deliveries.contains_key(&id) {
            return false;
        }
        let kept = Kept { delivery: delivery.clone(), state: State::Behind, tried: 0, attempts: Vec::new() };
        self.deliveries.insert(id, kept);
        days.made(delivery.endpoint, &delivery.event);
        self.owe(id, now, days);
        true
    }

    /// Has a delivery owed that is not: at once, or as soon as no earlier one of its key is.
    fn owe(&mut self, id: DeliveryId, now: Timestamp, days: &mut Days) {
        let Some(kept) = self.deliveries.get_mut(&id) else { return };
        days.owed(&kept.delivery.event);
        let offset = kept.delivery.position.offset;
        let mut state = State::Due(now);
        if let Some(key) = &kept.delivery.ordering {
            if first(&self.keyed, key).is_some_and(|(before, _)| before < offset) {
                state = State::Behind;
            }
            self.keyed.insert((key.clone(), offset, id), ());
        }
        if state == State::Due(now) {
            self.due.insert((now, offset, id), ());
        }
        kept.state = state;
    }

    /// Takes a delivery off what is owed, with `state` from now on; the next of its key is due.
    fn done(&mut self, id: DeliveryId, state: State, now: Timestamp, days: &mut Days) {
        self.undue(id);
        let Some(kept) = self.deliveries.get_mut(&id) else { return };
        days.settled(&kept.delivery.event);
        kept.state = state;
        let offset = kept.delivery.position.offset;
        let Some(key) = kept.delivery.ordering.clone() else { return };
        self.keyed.remove(&(key.clone(), offset, id));
        if let Some((offset, next)) = first(&self.keyed, &key)
            && let Some(kept) = self.deliveries.get_mut(&next)
            && kept.state == State::Behind
        {
            kept.state = State::Due(now);
            self.due.insert((now, offset, next), ());
        }
    }

    fn undue(&mut self, id: DeliveryId) {
        if let Some(kept) = self.deliveries.get(&id)
            && let State::Due(at) = kept.state
        {
            self.due.remove(&(at, kept.delivery.position.offset, id));
        }
    }

    fn due_at(&mut self, id: DeliveryId, at: Timestamp) {
        self.undue(id);
        if let Some(kept) = self.deliveries.get_mut(&id) {
            kept.state = State::Due(at);
            self.due.insert((at, kept.delivery.position.offset, id), ());
        }
    }

    /// Keeps the call, unless it is on record; where the queue is held, rules what becomes of the delivery.
    pub(super) fn settle(&mut self, settled: &Settled, is_held: bool, days: &mut Days) {
        let Some(kept) = self.deliveries.get_mut(&settled.id) else { return };
        let mut now = settled.created_at;
        if let Some(attempt) = &settled.attempt {
            let made = |attempt: &Attempt| (attempt.at, attempt.number);
            let Err(place) = kept.attempts.binary_search_by_key(&made(attempt), made) else { return };
            now = attempt.at + attempt.duration;
            kept.attempts.insert(place, attempt.clone());
            self.hours.entry(Interval::Hour.floor(attempt.at)).or_default().count(attempt);
        }
        if !is_held || !matches!(kept.state, State::Due(_)) {
            return;
        }
        kept.tried += u32::from(settled.attempt.is_some());
        match &settled.ruling {
            DeliveryRuling::Delivered => self.done(settled.id, State::Delivered, now, days),
            DeliveryRuling::Retry(at) => self.due_at(settled.id, *at),
            DeliveryRuling::Fail(reason) => self.done(settled.id, State::Failed(reason.clone()), now, days),
        }
    }

    /// Has those owed again that are selected, the oldest first; says how many.
    pub(super) fn redrive(&mut self, which: &Which, limit: usize, now: Timestamp, days: &mut Days) -> usize {
        let ids: Vec<_> = match which {
            Which::One(id) => self.deliveries.get(id).into_iter().take(limit).map(|kept| kept.delivery.id()).collect(),
            which => {
                let chosen = self.deliveries.values().filter(|kept| selects(which, kept));
                chosen.take(limit).map(|kept| kept.delivery.id()).collect()
            }
        };
        for id in &ids {
            let Some(kept) = self.deliveries.get_mut(id) else { continue };
            kept.tried = 0;
            match kept.state {
                State::Due(_) => self.due_at(*id, now),
                State::Behind => {}
                State::Delivered | State::Failed(_) => self.owe(*id, now, days),
            }
        }
        ids.len()
    }

    /// Forgets a delivery that is not owed.
    pub(super) fn forget(&mut self, id: DeliveryId) {
        self.deliveries.remove(&id);
    }

    /// Takes off what is owed, before the endpoint goes.
    pub(super) fn drop_owed(&mut self, days: &mut Days) {
        let owed = self.deliveries.values().filter(|kept| matches!(kept.state, State::Due(_) | State::Behind));
        owed.for_each(|kept| days.settled(&kept.delivery.event));
    }
}

/// The first of a key that is owed: its place in the log, and itself.
fn first(keyed: &BTreeMap<(String, u64, DeliveryId), ()>, key: &str) -> Option<(u64, DeliveryId)> {
    let from = (key.to_owned(), 0, DeliveryId::from_bytes([0; 16]));
    keyed.range(from..).next().filter(|((found, ..), ())| found == key).map(|((_, offset, id), ())| (*offset, *id))
}

fn selects(which: &Which, kept: &Kept) -> bool {
    match which {
        Which::One(id) => kept.delivery.id() == *id,
        Which::Failed { since, until, types, classes } => {
            let event = &kept.delivery.event;
            let class = kept.attempts.last().and_then(|last| last.result.failure.as_ref()).map(|failure| failure.class);
            matches!(kept.state, State::Failed(_))
                && since.is_none_or(|since| event.created_at >= since)
                && until.is_none_or(|until| event.created_at < until)
                && (types.is_empty() || types.contains(&event.kind))
                && (classes.is_empty() || class.is_some_and(|class| classes.contains(&class)))
        }
    }
}
