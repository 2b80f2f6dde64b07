//! Who of this node is where, and what is to be done about it next. Under one lock, which is never held across a call.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::schedule::{Schedule, Turn};
use super::shares::{MOST_WATCHES, Shares};
use super::watch::Audience;
use super::{Place, Presence, Stay};
use crate::error::{Error, Kind, Result};
use crate::ids::SessionId;

/// How long a presence lasts without being renewed: 30 s. So soon others are told that a node died; and a store that is
/// away for less takes nobody away.
pub(super) const TIME_TO_LIVE: Duration = Duration::from_secs(30);
/// How often it is renewed: every 10 s, so that two renewals in a row may fail.
const RENEWAL: Duration = Duration::from_secs(10);
/// How often a place is read: once a second, as soon as people notice.
const READING: Duration = Duration::from_secs(1);
/// What a place adds to that where there are many: half a millisecond, so that a node reads 2,000 places a second at most.
const READING_EACH: Duration = Duration::from_micros(500);
/// Between two readings of a place where somebody of this node came or went: a tenth of a second, so that a crowd that comes
/// is told of ten times a second, not once each.
const SPACING: Duration = Duration::from_millis(100);

/// Members that are read of a place: more are a crowd that nobody reads name by name.
pub(super) const MOST_MEMBERS: usize = 1_000;

/// Who of this node is where.
#[derive(Debug, Default)]
pub(super) struct Board {
    state: Mutex<State>,
    noted: Notify,
}

#[derive(Debug, Default)]
struct State {
    scenes: HashMap<Place, Scene>,
    /// Who enters, or is renewed, when.
    renewals: Schedule<(Place, SessionId)>,
    /// Which place is read when.
    readings: Schedule<Place>,
    /// Who left, and the store was not told yet. At most as many as may watch: what is more ends by itself.
    left: HashMap<(Place, SessionId), Leaving>,
    shares: Shares,
}

/// A place that somebody of this node watches.
#[derive(Debug)]
struct Scene {
    audience: Arc<Audience>,
    seats: HashMap<SessionId, Seat>,
    reading: Turn,
    read_at: Option<Timestamp>,
}

/// A session of this node at a place.
#[derive(Debug)]
struct Seat {
    presence: Presence,
    bells: Vec<Arc<AtomicWaker>>,
    renewal: Turn,
    /// When the store was last told, whether or not it answered; until it was, there is nothing to leave.
    told_at: Option<Timestamp>,
    /// Whether the store has it, as far as is known.
    is_entered: bool,
}

#[derive(Debug)]
struct Leaving {
    presence: Presence,
    told_at: Timestamp,
}

impl Board {
    /// Seats a session, if there is room for what its workspace takes.
    pub(super) fn seat(&self, place: &Place, presence: Presence) -> Result<(Arc<Audience>, Arc<AtomicWaker>)> {
        let mut state = self.state();
        let State { scenes, renewals, readings, left, shares } = &mut *state;
        if !shares.watch(place.workspace(), !scenes.contains_key(place)) {
            let message = "This node watches as many subjects as it can; unwatch one, or connect again later";
            return Err(Error::new(Kind::Unavailable, message).with_retry_after(RENEWAL));
        }
        let scene = scenes.entry(place.clone()).or_insert_with(|| Scene {
            audience: Arc::default(),
            seats: HashMap::new(),
            reading: readings.put(Timestamp::MIN, place.clone()),
            read_at: None,
        });
        let seat = scene.seats.entry(presence.session).or_insert_with(|| {
            let key = (place.clone(), presence.session);
            // One that leaves and comes back is in the store from before, perhaps.
            let told_at = left.remove(&key).map(|leaving| leaving.told_at);
            let renewal = renewals.put(Timestamp::MIN, key);
            Seat { presence, bells: Vec::new(), renewal, told_at, is_entered: false }
        });
        let bell = Arc::new(AtomicWaker::new());
        seat.bells.push(bell.clone());
        self.noted.notify_one();
        Ok((scene.audience.clone(), bell))
    }

    /// Takes a watch away, and with the last of its session the session.
    pub(super) fn leave(&self, place: &Place, presence: &Presence, bell: &Arc<AtomicWaker>) {
        let mut state = self.state();
        let State { scenes, renewals, readings, left, shares } = &mut *state;
        shares.unwatch(place.workspace());
        let Some(scene) = scenes.get_mut(place) else { return };
        let Some(seat) = scene.seats.get_mut(&presence.session) else { return };
        seat.bells.retain(|one| !Arc::ptr_eq(one, bell));
        if !seat.bells.is_empty() {
            return;
        }
        renewals.remove(seat.renewal);
        if let Some(told_at) = seat.told_at
            && left.len() < MOST_WATCHES
        {
            left.insert((place.clone(), presence.session), Leaving { presence: seat.presence, told_at });
            self.noted.notify_one();
        }
        scene.seats.remove(&presence.session);
        if scene.seats.is_empty() {
            readings.remove(scene.reading);
            shares.close(place.workspace(), scene.audience.members().present().len());
            scenes.remove(place);
        }
    }

    /// Whom the store is to be told that they left: at most so many. Whose time to live has passed is gone without.
    pub(super) fn leaving(&self, now: Timestamp, limit: usize) -> Vec<Stay> {
        let mut state = self.state();
        state.left.retain(|_, leaving| now.duration_since(leaving.told_at) < signed(TIME_TO_LIVE));
        let stay = |((place, _), leaving): (&(Place, SessionId), &Leaving)| stay(place, leaving.presence);
        state.left.iter().take(limit).map(stay).collect()
    }

    /// Notes that the store knows who left.
    pub(super) fn told_left(&self, stays: &[Stay]) {
        let mut state = self.state();
        for stay in stays {
            state.left.remove(&(stay.place.clone(), stay.presence.session));
            state.stir(&stay.place);
        }
    }

    /// Who is to enter, or to be renewed, by now: at most so many.
    pub(super) fn entering(&self, now: Timestamp, limit: usize) -> Vec<Stay> {
        let mut state = self.state();
        let State { scenes, renewals, .. } = &mut *state;
        let due = renewals.due(now).take(limit);
        let stays = due.filter_map(|(place, session)| {
            let seat = scenes.get_mut(place)?.seats.get_mut(session)?;
            // Before the call: one that gets no answer may have come through.
            seat.told_at = Some(now);
            Some(stay(place, seat.presence))
        });
        stays.collect()
    }

    /// Notes that the store has them.
    pub(super) fn entered(&self, stays: &[Stay], now: Timestamp) {
        let mut state = self.state();
        for stay in stays {
            let State { scenes, renewals, .. } = &mut *state;
            let scene = scenes.get_mut(&stay.place);
            let Some(seat) = scene.and_then(|scene| scene.seats.get_mut(&stay.presence.session)) else { continue };
            // It may have left meanwhile, and come back since another moment.
            if seat.presence != stay.presence {
                continue;
            }
            renewals.postpone(&mut seat.renewal, now + RENEWAL);
            if !std::mem::replace(&mut seat.is_entered, true) {
                state.stir(&stay.place);
            }
        }
    }

    /// Which places are to be read by now: at most so many.
    pub(super) fn reading(&self, now: Timestamp, limit: usize) -> Vec<Place> {
        self.state().readings.due(now).take(limit).cloned().collect()
    }

    /// Notes who the store says is there, and tells those who watch what is new.
    pub(super) fn read(&self, lists: Vec<(Place, Vec<Presence>)>, now: Timestamp) {
        let mut bells = Vec::new();
        {
            let mut state = self.state();
            for (place, present) in lists {
                bells.extend(state.read(&place, present, now));
            }
        }
        // Not under the lock: a waker may run anything.
        bells.iter().for_each(|bell| bell.wake());
    }

    /// When something is due next; `None` while nobody watches.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let state = self.state();
        let told = (!state.left.is_empty()).then_some(Timestamp::MIN);
        [told, state.renewals.first(), state.readings.first()].into_iter().flatten().min()
    }

    /// When somebody is due to enter, be renewed or leave; `None` while nobody watches.
    pub(super) fn due_to_tell(&self) -> Option<Timestamp> {
        let state = self.state();
        if state.left.is_empty() { state.renewals.first() } else { Some(Timestamp::MIN) }
    }

    /// Returns when there is something new to be done. Cancel safe.
    pub(super) async fn noted(&self) {
        self.noted.notified().await;
    }

    /// Everybody whom the store was told of, once: whoever is dropped afterwards has left already.
    pub(super) fn everybody(&self) -> Vec<Stay> {
        let mut state = self.state();
        let State { scenes, left, .. } = &mut *state;
        let left = left.drain().map(|((place, _), leaving)| Stay { place, presence: leaving.presence });
        let mut stays: Vec<_> = left.collect();
        for (place, scene) in scenes {
            let seats = scene.seats.values_mut().filter_map(|seat| seat.told_at.take().map(|_| seat.presence));
            stays.extend(seats.map(|presence| stay(place, presence)));
        }
        stays
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics under this lock")
    }
}

impl State {
    /// Has a place be read soon.
    fn stir(&mut self, place: &Place) {
        let Some(scene) = self.scenes.get_mut(place) else { return };
        let soon = scene.read_at.map_or(Timestamp::MIN, |read_at| read_at + SPACING);
        if soon < scene.reading.due {
            self.readings.postpone(&mut scene.reading, soon);
        }
    }

    /// Takes one list; gives whom to wake.
    fn read(&mut self, place: &Place, mut present: Vec<Presence>, now: Timestamp) -> Vec<Arc<AtomicWaker>> {
        let all = u32::try_from(self.scenes.len()).unwrap_or(u32::MAX);
        let Some(scene) = self.scenes.get_mut(place) else { return Vec::new() };
        scene.read_at = Some(now);
        self.readings.postpone(&mut scene.reading, now + READING.max(READING_EACH * all));
        if present.len() < MOST_MEMBERS {
            // A store that forgot whom it had is told again at once, not at the next renewal.
            let here: HashSet<_> = present.iter().map(|presence| presence.session).collect();
            for (session, seat) in &mut scene.seats {
                if seat.is_entered && !here.contains(session) {
                    seat.is_entered = false;
                    self.renewals.postpone(&mut seat.renewal, Timestamp::MIN);
                }
            }
        }
        let members = scene.audience.members();
        present.truncate(self.shares.know(place.workspace(), members.present().len(), present.len()));
        let Some(next) = members.next(present) else { return Vec::new() };
        scene.audience.replace(next);
        scene.seats.values().flat_map(|seat| seat.bells.iter().cloned()).collect()
    }
}

fn stay(place: &Place, presence: Presence) -> Stay {
    Stay { place: place.clone(), presence }
}

fn signed(time: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX)
}
