//! How many sessions there are, and whose.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::LiveOptions;
use super::channel::{Bell, Bells};
use crate::credentials::{Actor, Principal};
use crate::ids::WorkspaceId;

/// The seats of sessions that are taken.
#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    bells: Bells,
    by_principal: HashMap<(WorkspaceId, Actor), usize>,
    by_address: HashMap<IpAddr, usize>,
    /// Nobody comes in any more.
    is_closed: bool,
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The node, the principal or the address has as many as it may.
    TooMany,
    /// The node stops.
    Closed,
}

/// A session's seat, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    number: usize,
    principal: (WorkspaceId, Actor),
    address: Option<IpAddr>,
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for a session that `bell` wakes.
    pub(super) fn enter(
        self: &Arc<Self>,
        who: &Principal,
        address: Option<IpAddr>,
        bell: Arc<Bell>,
        options: &LiveOptions,
    ) -> Result<Seat, Full> {
        let principal = (who.workspace, who.actor);
        let mut taken = self.lock();
        if taken.is_closed {
            return Err(Full::Closed);
        }
        let held = |count: Option<&usize>| count.copied().unwrap_or_default();
        let is_full = taken.bells.len() >= options.most
            || held(taken.by_principal.get(&principal)) >= options.most_per_principal
            || address.is_some_and(|address| held(taken.by_address.get(&address)) >= options.most_per_address);
        if is_full {
            return Err(Full::TooMany);
        }
        *taken.by_principal.entry(principal).or_default() += 1;
        if let Some(address) = address {
            *taken.by_address.entry(address).or_default() += 1;
        }
        let number = taken.bells.hang(bell);
        Ok(Seat { seats: self.clone(), number, principal, address })
    }

    /// Lets nobody in any more, and says how many are in.
    pub(super) fn close(&self) -> usize {
        let mut taken = self.lock();
        taken.is_closed = true;
        taken.bells.len()
    }

    /// How many are in.
    pub(super) fn len(&self) -> usize {
        self.lock().bells.len()
    }

    /// Wakes everybody.
    pub(super) fn ring(&self) {
        self.lock().bells.ring();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.bells.take(self.number);
        give_back(&mut taken.by_principal, &self.principal);
        if let Some(address) = &self.address {
            give_back(&mut taken.by_address, address);
        }
    }
}

fn give_back<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
