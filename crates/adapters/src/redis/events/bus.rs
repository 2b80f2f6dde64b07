//! The port of the event log.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::events::{Acked, Batch, Bounds, Event, EventBus, EventFilter, Position, Read};

use super::log::{AT_ONCE, Log};
use crate::redis::connection::Redis;
use crate::redis::error::Fault;

/// A log of events in Redis, for any number of nodes.
///
/// A publish appends and wakes in one script, in one round trip for up to 1,000 events; a larger one is several.
///
/// **As durable as Redis is.** What a restart or a fail-over loses is lost, and it is told: the log begins a new epoch,
/// so that every position of the old one is [`Read::Reset`]. That happens
///
/// - when the log is not there: first use, `FLUSHALL`, a restart without persistence;
/// - when the server was restarted, or another took its place, since nobody can know whether the last events before it
///   were kept (`appendfsync everysec` loses up to a second of them, a replica may be behind);
/// - when this node has seen more of the log than there is.
///
/// What is left of the log stays readable, and a group goes on from where it stood: its next batch says that there may
/// be a gap. Where `INFO` is forbidden to the user, a restart alone is not noticed, only a lost end that this node has
/// seen.
///
/// The server must not evict keys (`maxmemory-policy noeviction`). `trim` goes by the moment at which an event was
/// made, which the event itself carries.
#[derive(Clone, Debug)]
pub struct RedisEventBus {
    log: Log,
}

impl RedisEventBus {
    /// The log in `redis`. Its epochs, and the tokens of its groups, are drawn from the handle's entropy.
    pub fn new(redis: &Redis) -> Self {
        Self { log: Log::new(redis) }
    }

    async fn append(&self, events: &[Event]) -> Result<Vec<Position>, Fault> {
        let mut positions = Vec::with_capacity(events.len());
        for some in events.chunks(AT_ONCE) {
            positions.extend(self.log.publish(some).await?.positions()?);
        }
        Ok(positions)
    }

    async fn look(&self, after: Position, filter: &EventFilter, limit: usize) -> Result<Read, Fault> {
        let mut answer = self.log.read(after, filter, limit).await?;
        if answer.is_bare() {
            return Ok(Read::Reset(answer.bounds));
        }
        let upto = answer.number()?;
        let (next, more) = (answer.at(upto), upto < answer.bounds.end.offset);
        Ok(Read::Events { events: answer.events()?, next, more })
    }

    async fn wait_beyond(&self, after: Position) -> Result<(), Fault> {
        // Registered before the look: what is published after the look wakes.
        let mut woken = std::pin::pin!(self.log.redis.inbox().bus());
        woken.as_mut().enable();
        let bounds = self.log.bounds().await?.bounds;
        if bounds.start <= after && after == bounds.end {
            woken.await;
        }
        Ok(())
    }

    async fn lease(&self, group: &str, limit: usize, now: Timestamp, lease: Duration) -> Result<Option<Batch>, Fault> {
        let token = self.log.redis.draw();
        let mut answer = self.log.consume(group, limit, token, (now, lease)).await?;
        if answer.is_bare() {
            return Ok(None);
        }
        let gap = answer.number()? == 1;
        Ok(Some(Batch { events: answer.events()?, token, gap }))
    }

    async fn move_on(&self, group: &str, batch: &Batch) -> Result<Acked, Fault> {
        let Some(last) = batch.events.last() else {
            return Ok(Acked::Superseded);
        };
        let moved = self.log.ack(group, batch, last.position).await?.number()?;
        Ok(if moved == 1 { Acked::Moved } else { Acked::Superseded })
    }

    async fn forget(&self, before: Timestamp, limit: usize) -> Result<usize, Fault> {
        let mut forgotten = 0;
        while forgotten < limit {
            let some = (limit - forgotten).min(AT_ONCE);
            let gone = usize::try_from(self.log.trim(before, some).await?.number()?).unwrap_or(some);
            forgotten += gone;
            if gone < some {
                break;
            }
        }
        Ok(forgotten)
    }
}

#[async_trait]
impl EventBus for RedisEventBus {
    async fn publish(&self, events: &[Event]) -> Result<Vec<Position>> {
        Ok(self.append(events).await?)
    }

    async fn read(&self, after: Position, filter: &EventFilter, limit: usize) -> Result<Read> {
        Ok(self.look(after, filter, limit).await?)
    }

    async fn bounds(&self) -> Result<Bounds> {
        Ok(self.log.bounds().await.map(|answer| answer.bounds)?)
    }

    async fn wait(&self, after: Position) -> Result<()> {
        Ok(self.wait_beyond(after).await?)
    }

    async fn consume(&self, group: &str, limit: usize, now: Timestamp, lease: Duration) -> Result<Option<Batch>> {
        Ok(self.lease(group, limit, now, lease).await?)
    }

    async fn ack(&self, group: &str, batch: &Batch) -> Result<Acked> {
        Ok(self.move_on(group, batch).await?)
    }

    async fn trim(&self, before: Timestamp, limit: usize) -> Result<usize> {
        Ok(self.forget(before, limit).await?)
    }
}
