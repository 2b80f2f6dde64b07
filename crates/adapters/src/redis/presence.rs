//! Who is where, in Redis.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::credentials::Actor;
use waypost_core::ids::SessionId;
use waypost_core::push::presence::{Place, Presence, PresenceStore, Stay};

use super::connection::Redis;
use super::error::Fault;
use super::moments::{micros, moment};
use super::script::Script;

static ENTER: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/presence_enter.lua")));
static LEAVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/presence_leave.lua")));
static FIND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/presence_find.lua")));
static SWEEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/presence_sweep.lua")));

/// Stays that one script takes: about a millisecond, in which the server does nothing else.
const AT_ONCE: usize = 100;
/// Places that one script reads: each may have a thousand members.
const READ_AT_ONCE: usize = 20;
/// How long a key is kept beyond its last end. What is over is over by the caller's moment; the server's own expiry only
/// clears away what no sweep came for, and must come after the end by any clock.
const BEYOND: Duration = Duration::from_secs(3_600);
/// The longest life that the server is told of: about 35 years, within what its clock can add.
const LONGEST: Duration = Duration::from_millis(1 << 40);

/// Keeps who is where in Redis.
///
/// A place is a sorted set of its sessions by age and a hash of who they are; one more sorted set has the ends of all.
/// A server that forgets them all is told again, as nodes find whom it lacks.
#[derive(Clone, Debug)]
pub struct RedisPresenceStore {
    redis: Redis,
    index: String,
}

impl RedisPresenceStore {
    /// Who is where in `redis`.
    pub fn new(redis: &Redis) -> Self {
        Self { redis: redis.clone(), index: redis.keys().named("presence") }
    }

    async fn put(&self, stays: &[Stay], until: Timestamp, time_to_live: Duration) -> Result<(), Fault> {
        let kept = time_to_live.min(LONGEST) + BEYOND;
        for some in stays.chunks(AT_ONCE) {
            let mut call = ENTER.call(&[&self.index]).arg(micros(until)).arg(kept.as_millis());
            for Stay { place, presence } in some {
                call = call.arg(name(place)).arg(&presence.session.to_bytes());
                call = call.arg(micros(presence.since)).arg(presence.actor.to_string());
            }
            call.run::<()>(&self.redis).await?;
        }
        Ok(())
    }

    async fn remove(&self, stays: &[Stay]) -> Result<(), Fault> {
        for some in stays.chunks(AT_ONCE) {
            let mut call = LEAVE.call(&[&self.index]);
            for Stay { place, presence } in some {
                call = call.arg(name(place)).arg(&presence.session.to_bytes());
            }
            call.run::<()>(&self.redis).await?;
        }
        Ok(())
    }

    async fn find(&self, places: &[Place], now: Timestamp, limit: usize) -> Result<Vec<Vec<Presence>>, Fault> {
        let mut lists = Vec::with_capacity(places.len());
        for some in places.chunks(READ_AT_ONCE) {
            let mut call = FIND.call(&[&self.index]).arg(micros(now)).arg(limit);
            for place in some {
                call = call.arg(name(place));
            }
            let found: Vec<Vec<Vec<u8>>> = call.run(&self.redis).await?;
            for list in &found {
                lists.push(list.chunks(2).map(presence).collect::<Option<_>>().ok_or(Fault::Form("a presence"))?);
            }
        }
        Ok(lists)
    }

    async fn clear(&self, now: Timestamp, limit: usize) -> Result<usize, Fault> {
        let mut swept = 0;
        while swept < limit {
            let some = (limit - swept).min(AT_ONCE);
            let gone: usize = SWEEP.call(&[&self.index]).arg(micros(now)).arg(some).run(&self.redis).await?;
            swept += gone;
            if gone < some {
                break;
            }
        }
        Ok(swept)
    }
}

#[async_trait]
impl PresenceStore for RedisPresenceStore {
    async fn enter(&self, stays: &[Stay], now: Timestamp, time_to_live: Duration) -> Result<()> {
        let until = now.saturating_add(time_to_live).unwrap_or(Timestamp::MAX);
        Ok(self.put(stays, until, time_to_live).await?)
    }

    async fn leave(&self, stays: &[Stay]) -> Result<()> {
        Ok(self.remove(stays).await?)
    }

    async fn present(&self, places: &[Place], now: Timestamp, limit: usize) -> Result<Vec<Vec<Presence>>> {
        Ok(self.find(places, now, limit).await?)
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize> {
        Ok(self.clear(now, limit).await?)
    }
}

/// A place as text. Every workspace is as long as another, so no two places have one name.
fn name(place: &Place) -> String {
    format!("{}:{}", place.workspace(), place.subject())
}

/// Reads a session, and `since actor`.
fn presence(found: &[Vec<u8>]) -> Option<Presence> {
    let [session, told] = found else { return None };
    let blank = told.iter().position(|byte| *byte == b' ')?;
    let actor = std::str::from_utf8(&told[blank + 1..]).ok()?;
    Some(Presence {
        session: SessionId::from_bytes(session.as_slice().try_into().ok()?),
        actor: Actor::parse(actor)?,
        since: moment(&told[..blank])?,
    })
}
