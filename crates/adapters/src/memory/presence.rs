//! Who is where, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::ids::SessionId;
use waypost_core::push::presence::{Place, Presence, PresenceStore, Stay};

/// Keeps who is where for those that share this value: the nodes of a test, or the one node of a platform that has no
/// other.
#[derive(Debug, Default)]
pub struct MemoryPresenceStore {
    places: Mutex<HashMap<Place, HashMap<SessionId, Held>>>,
}

#[derive(Debug)]
struct Held {
    presence: Presence,
    until: Timestamp,
}

impl MemoryPresenceStore {
    fn places(&self) -> MutexGuard<'_, HashMap<Place, HashMap<SessionId, Held>>> {
        self.places.lock().expect("no code panics under this lock")
    }
}

#[async_trait]
impl PresenceStore for MemoryPresenceStore {
    async fn enter(&self, stays: &[Stay], now: Timestamp, time_to_live: Duration) -> Result<()> {
        let until = now.saturating_add(time_to_live).unwrap_or(Timestamp::MAX);
        let mut places = self.places();
        for Stay { place, presence } in stays {
            let members = places.entry(place.clone()).or_default();
            let held = members.entry(presence.session).or_insert(Held { presence: *presence, until });
            *held = Held { presence: *presence, until: held.until.max(until) };
        }
        Ok(())
    }

    async fn leave(&self, stays: &[Stay]) -> Result<()> {
        let mut places = self.places();
        for Stay { place, presence } in stays {
            let Some(members) = places.get_mut(place) else { continue };
            members.remove(&presence.session);
            if members.is_empty() {
                places.remove(place);
            }
        }
        Ok(())
    }

    async fn present(&self, asked: &[Place], now: Timestamp, limit: usize) -> Result<Vec<Vec<Presence>>> {
        let places = self.places();
        let list = |place| {
            let members = places.get(place).into_iter().flat_map(HashMap::values);
            let mut list: Vec<_> = members.filter(|held| held.until > now).map(|held| held.presence).collect();
            list.sort_unstable_by_key(|presence| (presence.since, presence.session));
            list.truncate(limit);
            list
        };
        Ok(asked.iter().map(list).collect())
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize> {
        let mut places = self.places();
        let mut swept = 0;
        places.retain(|_, members| {
            if swept < limit {
                swept += members.extract_if(|_, held| held.until <= now).take(limit - swept).count();
            }
            !members.is_empty()
        });
        Ok(swept)
    }
}
